namespace LowRank.Models.Tokenization.Gguf;

/// <summary>
/// The merges that a SentencePiece vocabulary with scores means, as the converter of transformers derives them for a tokenizer.json: each
/// token from every pair of tokens that make it up, tokens in the order of their score, the pairs of one token in the order of their ids.
/// </summary>
internal static class ScoreMerges
{
    /// <summary>The merges in the order of their rank.</summary>
    public static List<(string Left, string Right)> Derive(string[] tokens, float[] scores, Func<int, bool> isText)
    {
        var idOf = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < tokens.Length; i++) idOf[tokens[i]] = i;
        var look = idOf.GetAlternateLookup<ReadOnlySpan<char>>();
        var merges = new List<(string Left, string Right, float Score)>();
        var pairs = new List<(string Left, string Right, int LeftId, int RightId)>();
        for (var i = 0; i < tokens.Length; i++)
        {
            if (!isText(i)) continue;
            pairs.Clear();
            var token = tokens[i];
            for (var at = 1; at < token.Length; at++)
            {
                if (char.IsLowSurrogate(token[at])) continue;
                if (look.TryGetValue(token.AsSpan(0, at), out var left) && look.TryGetValue(token.AsSpan(at), out var right))
                    pairs.Add((token[..at], token[at..], left, right));
            }
            foreach (var (left, right, _, _) in pairs.OrderBy(p => p.LeftId).ThenBy(p => p.RightId)) merges.Add((left, right, scores[i]));
        }
        // The sort keeps the order of equals, as Python's does.
        return [.. merges.OrderByDescending(m => m.Score).Select(m => (m.Left, m.Right))];
    }
}
