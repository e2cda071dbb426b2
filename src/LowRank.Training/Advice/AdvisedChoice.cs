namespace LowRank.Training.Advice;

/// <summary>One setting that is recommended.</summary>
/// <param name="Key">The setting's key, as <c>train</c> has it.</param>
/// <param name="Value">Its value.</param>
/// <param name="Reason">Why, in a sentence or two with the figures of this model and data.</param>
/// <param name="Source">Who says so.</param>
public sealed record AdvisedChoice(string Key, string Value, string Reason, string Source);
