namespace LowRank.Models.Tokenization;

/// <summary>The tokens of a text and where they come from.</summary>
/// <param name="Ids">The token ids.</param>
/// <param name="Offsets">For each token the part [Start, End) of the text it stands for, counted in Unicode code points (not UTF-16 units); (0, 0) for a special token that is not in the text.</param>
public sealed record TokenizerEncoding(int[] Ids, (int Start, int End)[] Offsets);
