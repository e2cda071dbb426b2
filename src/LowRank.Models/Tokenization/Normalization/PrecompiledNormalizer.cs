using System.Globalization;
using System.Text;
using LowRank.Models.Tokenization.Text;

namespace LowRank.Models.Tokenization.Normalization;

/// <summary>
/// SentencePiece's compiled rules, applied as Hugging Face tokenizers applies them: to a whole user-perceived character where it is under
/// six bytes and a rule begins it, otherwise to each of its code points.
/// </summary>
internal sealed class PrecompiledNormalizer : Normalizer
{
    private const int LongestCluster = 5;
    private readonly CharsMap _map;
    private readonly bool[] _asciiIsPlain = new bool[128];

    /// <summary>Makes a normalizer of these rules.</summary>
    public PrecompiledNormalizer(CharsMap map)
    {
        _map = map;
        // A carriage return may be the beginning of a rule for the pair with a line feed.
        for (var c = 0; c < 128; c++) _asciiIsPlain[c] = c != '\r' && !map.TryFind([(byte)c], out _);
    }

    /// <inheritdoc/>
    public override bool LeavesAlone(ReadOnlySpan<byte> text)
    {
        foreach (var b in text)
            if (b >= 128 || !_asciiIsPlain[b]) return false;
        return true;
    }

    /// <inheritdoc/>
    public override void Apply(NormalizedText text)
    {
        if (LeavesAlone(text.Bytes)) return;
        var bytes = text.Bytes;
        ReadOnlySpan<char> characters = Encoding.UTF8.GetString(bytes);
        var replaced = new List<(int CodePoint, int Change)>(characters.Length + 16);
        var changed = false;
        var at = 0;
        while (characters.Length > 0)
        {
            var length = StringInfo.GetNextTextElementLength(characters);
            var cluster = bytes.Slice(at, Encoding.UTF8.GetByteCount(characters[..length]));
            characters = characters[length..];
            at += cluster.Length;
            if (cluster.Length <= LongestCluster && _map.TryFind(cluster, out var whole))
            {
                Add(replaced, cluster, whole);
                changed = true;
                continue;
            }
            for (int i = 0, size; i < cluster.Length; i += size)
            {
                var codePoint = Utf8.At(cluster, i, out size);
                if (_map.TryFind(cluster.Slice(i, size), out var part))
                {
                    Add(replaced, cluster.Slice(i, size), part);
                    changed = true;
                }
                else
                {
                    replaced.Add((codePoint, 0));
                }
            }
        }
        if (changed) text.Transform(replaced);
    }

    /// <summary>
    /// The code points of a replacement: the last ones are new where it is longer, the last stands for the rest where it is shorter. When
    /// nothing is left, what stands before takes the place over, as in the reference.
    /// </summary>
    private static void Add(List<(int CodePoint, int Change)> replaced, ReadOnlySpan<byte> old, ReadOnlySpan<byte> replacement)
    {
        for (int i = 0, length; i < replacement.Length; i += length) replaced.Add((Utf8.At(replacement, i, out length), 0));
        var more = Count(replacement) - Count(old);
        for (var i = 1; i <= more; i++) replaced[^i] = (replaced[^i].CodePoint, 1);
        if (more < 0 && replaced.Count > 0) replaced[^1] = (replaced[^1].CodePoint, replaced[^1].Change + more);
    }

    private static int Count(ReadOnlySpan<byte> text)
    {
        var count = 0;
        foreach (var b in text)
            if ((b & 0xC0) != 0x80) count++;
        return count;
    }
}
