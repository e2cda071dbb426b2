namespace LowRank.Models.Generation;

/// <summary>What was generated after one prompt.</summary>
/// <param name="Ids">The new token ids, an end token included.</param>
/// <param name="Text">Their text, without special tokens, end token and stop text.</param>
/// <param name="Finish">Why it ended.</param>
public sealed record GeneratedText(IReadOnlyList<int> Ids, string Text, FinishReason Finish);
