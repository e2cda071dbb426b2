namespace LowRank.Training.Advice;

/// <summary>One side of a question on which sources disagree.</summary>
/// <param name="Says">What is recommended.</param>
/// <param name="Who">Who recommends it, and with what reason.</param>
/// <param name="Cost">What it costs for this model and data: parameters and planned memory.</param>
/// <param name="IsTaken">Whether the advice follows it.</param>
public sealed record Opinion(string Says, string Who, string Cost, bool IsTaken);
