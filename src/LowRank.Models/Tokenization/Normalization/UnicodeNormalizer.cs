using LowRank.Models.Tokenization.Text;
using LowRank.Models.Tokenization.Unicode;

namespace LowRank.Models.Tokenization.Normalization;

/// <summary>Unicode normalization forms C, D, KC and KD (UAX #15), with the alignment of the unicode-normalization-alignments crate.</summary>
internal sealed class UnicodeNormalizer(bool compose, bool compatible) : Normalizer
{
    private readonly NormalizationTables _tables = NormalizationTables.Instance;

    /// <inheritdoc/>
    public override bool LeavesAlone(ReadOnlySpan<byte> text)
    {
        var plainBelow = compose && !compatible ? 0x300 : 0xA0;
        for (int i = 0, length; i < text.Length; i += length)
        {
            var next = text[i..].IndexOfAnyInRange((byte)0x80, (byte)0xFF);
            if (next < 0) return true;
            i += next;
            var c = Utf8.At(text, i, out length);
            if (c < plainBelow) continue;
            if (_tables.CombiningClass(c) != 0) return false;
            if (compose)
            {
                if (_tables.CanFollowInComposition(c)) return false;
                // A letter that its own decomposition composes back to stays as it is; the others are few, so they go the long way.
                if (_tables.Decomposition(c, compatible) is { } parts && !ComposesBack(parts, c)) return false;
            }
            else if (Hangul.IsSyllable(c) || _tables.Decomposition(c, compatible) is not null)
            {
                return false;
            }
        }
        return true;
    }

    /// <inheritdoc/>
    public override void Apply(NormalizedText text)
    {
        if (LeavesAlone(text.Bytes)) return;
        var decomposed = Decompose(text.CodePoints());
        text.Transform(compose ? Compose(decomposed) : decomposed);
    }

    private bool ComposesBack(int[] parts, int c) =>
        parts.Length == 2 && _tables.Compose(parts[0], parts[1]) == c && !_tables.CanFollowInComposition(parts[0]);

    private List<(int CodePoint, int Change)> Decompose(int[] text)
    {
        var result = new List<(int CodePoint, int Change)>(text.Length + 8);
        var sortFrom = 0; // after the last starter
        foreach (var c in text)
        {
            var parts = Hangul.IsSyllable(c) ? Hangul.Decompose(c) : _tables.Decomposition(c, compatible);
            for (var i = 0; i < (parts?.Length ?? 1); i++)
            {
                var part = parts is null ? c : parts[i];
                if (_tables.CombiningClass(part) == 0)
                {
                    SortByClass(result, sortFrom);
                    sortFrom = result.Count + 1;
                }
                result.Add((part, i == 0 ? 0 : 1));
            }
        }
        SortByClass(result, sortFrom);
        return result;
    }

    /// <summary>Stable insertion sort: runs of marks are short.</summary>
    private void SortByClass(List<(int CodePoint, int Change)> list, int from)
    {
        for (var i = from + 1; i < list.Count; i++)
        {
            var item = list[i];
            var at = i;
            for (; at > from && _tables.CombiningClass(list[at - 1].CodePoint) > _tables.CombiningClass(item.CodePoint); at--) list[at] = list[at - 1];
            list[at] = item;
        }
    }

    private List<(int CodePoint, int Change)> Compose(List<(int CodePoint, int Change)> text)
    {
        var result = new List<(int CodePoint, int Change)>(text.Count);
        var starter = -1; // index in result of what the next ones may join
        var lastClass = -1; // class of the last one kept after the starter, -1: none
        foreach (var item in text)
        {
            int c = _tables.CombiningClass(item.CodePoint);
            var blocked = starter < 0 || lastClass >= 0 && lastClass >= c;
            var composed = blocked ? -1 : _tables.Compose(result[starter].CodePoint, item.CodePoint);
            if (composed >= 0)
            {
                result[starter] = (composed, result[starter].Change + item.Change - 1);
                continue;
            }
            if (c == 0) (starter, lastClass) = (result.Count, -1);
            else if (starter >= 0) lastClass = c;
            result.Add(item);
        }
        return result;
    }
}
