using LowRank.Models.Tokenization.Text;

namespace LowRank.Models.Tokenization.Bpe;

/// <summary>
/// Where a SentencePiece-style word, often a whole document, may be cut before U+2581 without changing the result: no merge joins a
/// token that ends in the character before with one that begins with U+2581. The parts are short and come again, so they can be
/// cached, which makes these models several times faster.
/// </summary>
internal sealed class WordBoundary
{
    private static readonly byte[] Mark = [0xE2, 0x96, 0x81];
    private readonly HashSet<int> _joined;

    private WordBoundary(HashSet<int> joined) => _joined = joined;

    /// <summary>The boundary rule of a model, or null where cutting could change results or never applies.</summary>
    public static WordBoundary? For(TokenTable tokens, MergeTable merges, int[] fallbackIds, int unknownId)
    {
        // Every character must leave a symbol, or the symbol beside the boundary is not that of the character beside it.
        if (tokens.Find(Mark) < 0 || unknownId < 0 && Array.IndexOf(fallbackIds, -1) >= 0) return null;
        var nameless = new HashSet<int>(fallbackIds) { unknownId };
        var joined = new HashSet<int>();
        var safe = true;
        merges.ForEach((left, right, _) =>
        {
            // The text of a byte token or of the unknown token is not its name, so what stands beside the boundary would not be known.
            safe &= !nameless.Contains(left) && !nameless.Contains(right);
            if (!tokens.TryGetBytes(left, out var l) || !tokens.TryGetBytes(right, out var r) || !r.StartsWith(Mark) || l.IsEmpty) return;
            joined.Add(Utf8.Last(l));
        });
        return safe ? new WordBoundary(joined) : null;
    }

    /// <summary>The length of the first part: up to the first U+2581 at which <paramref name="word"/> may be cut, or the whole.</summary>
    public int NextCut(ReadOnlySpan<byte> word)
    {
        var from = 1;
        while (from < word.Length)
        {
            var found = word[from..].IndexOf(Mark);
            if (found < 0) break;
            from += found;
            if (!_joined.Contains(Utf8.Last(word[..from]))) return from;
            from += Mark.Length;
        }
        return word.Length;
    }
}
