namespace LowRank.Training.Runs;

/// <summary>A held-out prompt with an answer of the model.</summary>
/// <param name="Prompt">The prompt.</param>
/// <param name="Answer">The answer.</param>
internal sealed record SampledAnswer(string Prompt, string Answer);
