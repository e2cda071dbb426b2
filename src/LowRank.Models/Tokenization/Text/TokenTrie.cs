using System.Buffers;
using System.Text;

namespace LowRank.Models.Tokenization.Text;

/// <summary>Finds the leftmost of some strings in a text, the longest among those that begin at one place.</summary>
internal sealed class TokenTrie
{
    private readonly List<Dictionary<byte, int>> _children = [[]];
    private readonly List<int> _values = [-1];
    private SearchValues<byte>? _firstBytes;

    /// <summary>Whether there is nothing to find.</summary>
    public bool IsEmpty => _values.Count == 1;

    /// <summary>Adds a string that is not empty; of equal ones the later counts.</summary>
    public void Add(string content, int value)
    {
        var node = 0;
        foreach (var b in Encoding.UTF8.GetBytes(content))
        {
            if (!_children[node].TryGetValue(b, out var next))
            {
                next = _values.Count;
                _children.Add([]);
                _values.Add(-1);
                _children[node].Add(b, next);
            }
            node = next;
        }
        if (node > 0) _values[node] = value;
    }

    /// <summary>Prepares searching; call once after the last <see cref="Add"/>.</summary>
    public void Freeze() => _firstBytes = SearchValues.Create([.. _children[0].Keys]);

    /// <summary>Finds the next string at or after <paramref name="from"/>.</summary>
    public bool TryFind(ReadOnlySpan<byte> text, int from, out int start, out int end, out int value)
    {
        (end, value) = (0, -1);
        for (start = from; start < text.Length; start++)
        {
            var offset = text[start..].IndexOfAny(_firstBytes!);
            if (offset < 0) break;
            start += offset;
            var node = 0;
            for (var i = start; i < text.Length && _children[node].TryGetValue(text[i], out node); i++)
                if (_values[node] >= 0) (end, value) = (i + 1, _values[node]);
            if (value >= 0) return true;
        }
        return false;
    }
}
