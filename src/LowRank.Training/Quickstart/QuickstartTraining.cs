using LowRank.Training.Events;

namespace LowRank.Training.Quickstart;

/// <summary>Something happened in the training run.</summary>
/// <param name="Event">What.</param>
public sealed record QuickstartTraining(TrainingEvent Event) : QuickstartEvent;
