namespace LowRank.Models.Tokenization.Decoding;

/// <summary>Joins continuations to the token before and puts spaces between the others; <paramref name="cleanup"/> takes the spaces before punctuation and English contractions away.</summary>
internal sealed class WordPieceDecoder(string prefix, bool cleanup) : TokenDecoder
{
    private static readonly (string From, string To)[] Cleanups =
    [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ];

    /// <inheritdoc/>
    public override List<string> Decode(List<string> tokens)
    {
        for (var i = 0; i < tokens.Count; i++)
        {
            if (i > 0) tokens[i] = tokens[i].StartsWith(prefix, StringComparison.Ordinal) ? tokens[i][prefix.Length..] : " " + tokens[i];
            if (!cleanup) continue;
            foreach (var (from, to) in Cleanups) tokens[i] = tokens[i].Replace(from, to, StringComparison.Ordinal);
        }
        return tokens;
    }
}
