namespace LowRank.Training.Quickstart;

/// <summary>A held-out question with the answers of the base model and of the trained one.</summary>
/// <param name="Question">The question.</param>
/// <param name="Expected">The answer in the data.</param>
/// <param name="Before">The base model's answer.</param>
/// <param name="After">The answer with the adapter.</param>
public sealed record QuickstartAnswer(string Question, string Expected, string Before, string After);
