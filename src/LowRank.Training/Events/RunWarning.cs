namespace LowRank.Training.Events;

/// <summary>Something that a person should know although the run goes on.</summary>
/// <param name="Message">One or more sentences.</param>
public sealed record RunWarning(string Message) : TrainingEvent;
