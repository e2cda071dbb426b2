namespace LowRank.Training.Data;

/// <summary>A row as the model sees it.</summary>
/// <param name="Place">Where it stands, <c>file:line</c>.</param>
/// <param name="Number">Its 1-based number in the file.</param>
/// <param name="Tokens">How many tokens it has, after truncation.</param>
/// <param name="SupervisedTokens">How many of them the loss counts.</param>
/// <param name="LostTokens">How many were cut off.</param>
/// <param name="Runs">The decoded text, in stretches that are learned or not.</param>
public sealed record PreviewRow(string Place, int Number, int Tokens, int SupervisedTokens, int LostTokens, IReadOnlyList<PreviewRun> Runs);
