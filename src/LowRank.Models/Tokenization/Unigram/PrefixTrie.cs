using LowRank.Models.Tokenization.Bpe;

namespace LowRank.Models.Tokenization.Unigram;

/// <summary>
/// All tokens that begin at one place of a text, shortest first. Nodes are numbered level by level, so the children of a node are
/// neighbours and a node is 9 bytes: a vocabulary of 250,000 tokens has about a million of them.
/// </summary>
internal sealed class PrefixTrie
{
    private const int Root = 0;
    private readonly byte[] _labels;
    private readonly int[] _ids;
    private readonly int[] _firstChild; // those of node n are [_firstChild[n], _firstChild[n + 1])

    /// <summary>Builds it over every token that is not empty.</summary>
    public PrefixTrie(TokenTable tokens)
    {
        var sorted = new List<int>(tokens.Count);
        for (var id = 0; id < tokens.IdLimit; id++)
            if (tokens.TryGetBytes(id, out var bytes) && bytes.Length > 0 && tokens.Find(bytes) == id) sorted.Add(id);
        sorted.Sort((a, b) => Bytes(tokens, a).SequenceCompareTo(Bytes(tokens, b)));

        List<byte> labels = [0];
        List<int> ids = [-1], firstChild = [];
        List<(int From, int To, int Depth)> ranges = [(0, sorted.Count, 0)]; // the tokens below each node, which share Depth bytes
        for (var node = 0; node < ranges.Count; node++)
        {
            var (from, to, depth) = ranges[node];
            firstChild.Add(labels.Count);
            // Of the tokens below a node the one that ends there sorts first.
            if (depth > 0 && Bytes(tokens, sorted[from]).Length == depth) ids[node] = sorted[from++];
            while (from < to)
            {
                var label = Bytes(tokens, sorted[from])[depth];
                var end = from + 1;
                while (end < to && Bytes(tokens, sorted[end])[depth] == label) end++;
                labels.Add(label);
                ids.Add(-1);
                ranges.Add((from, end, depth + 1));
                from = end;
            }
        }
        firstChild.Add(labels.Count);
        (_labels, _ids, _firstChild) = ([.. labels], [.. ids], [.. firstChild]);
    }

    /// <summary>Walks along a text from one place on.</summary>
    public Walk From(ReadOnlySpan<byte> text, int at) => new(this, text, at);

    private static ReadOnlySpan<byte> Bytes(TokenTable tokens, int id) => tokens.TryGetBytes(id, out var bytes) ? bytes : [];

    /// <summary>The tokens that begin at one place.</summary>
    public ref struct Walk(PrefixTrie trie, ReadOnlySpan<byte> text, int at)
    {
        private readonly ReadOnlySpan<byte> _text = text;
        private int _node = Root;

        /// <summary>Where the token found ends.</summary>
        public int End { get; private set; } = at;

        /// <summary>The id of the token found.</summary>
        public int Id { get; private set; } = -1;

        /// <summary>Finds the next longer token.</summary>
        public bool Next()
        {
            while (End < _text.Length)
            {
                var first = trie._firstChild[_node];
                var child = trie._labels.AsSpan(first, trie._firstChild[_node + 1] - first).IndexOf(_text[End]);
                if (child < 0) return false;
                _node = first + child;
                End++;
                if (trie._ids[_node] < 0) continue;
                Id = trie._ids[_node];
                return true;
            }
            return false;
        }
    }
}
