using System.Collections.Frozen;

namespace LowRank.Models.Tokenization.Unicode;

/// <summary>
/// Decompositions, combining classes and compositions of Unicode 9.0, the version that the normalizers of Hugging Face tokenizers
/// carry. The runtime's own normalization depends on ICU and is silently skipped under invariant globalization. The resource is written by
/// <c>eng/normalization-tables.py</c>.
/// </summary>
internal sealed class NormalizationTables
{
    private static readonly Lazy<NormalizationTables> Loaded = new(() => new NormalizationTables());
    private readonly FrozenDictionary<int, int[]> _canonical;
    private readonly FrozenDictionary<int, int[]> _compatible;
    private readonly FrozenDictionary<int, byte> _classes;
    private readonly FrozenDictionary<long, int> _compositions;
    private readonly HashSet<int> _composable = [];

    private NormalizationTables()
    {
        using var stream = typeof(NormalizationTables).Assembly.GetManifestResourceStream("LowRank.Models.Tokenization.Unicode.normalization.bin")
            ?? throw new InvalidOperationException("the normalization tables are not in the assembly");
        using var reader = new BinaryReader(stream);
        _canonical = Decompositions(reader);
        _compatible = Decompositions(reader);
        var classes = new Dictionary<int, byte>();
        var c = 0;
        for (var n = reader.Read7BitEncodedInt(); n > 0; n--) classes[c += reader.Read7BitEncodedInt()] = reader.ReadByte();
        _classes = classes.ToFrozenDictionary();
        var compositions = new Dictionary<long, int>();
        for (var n = reader.Read7BitEncodedInt(); n > 0; n--)
        {
            var first = reader.Read7BitEncodedInt();
            var second = reader.Read7BitEncodedInt();
            compositions[(long)first << 32 | (uint)second] = reader.Read7BitEncodedInt();
            _composable.Add(second);
        }
        _compositions = compositions.ToFrozenDictionary();
    }

    /// <summary>The tables, loaded at first use.</summary>
    public static NormalizationTables Instance => Loaded.Value;

    /// <summary>The canonical combining class.</summary>
    public byte CombiningClass(int c) => c < 0x300 ? (byte)0 : _classes.GetValueOrDefault(c);

    /// <summary>The full decomposition, or null for a character that stands for itself. Hangul syllables are not in the tables.</summary>
    public int[]? Decomposition(int c, bool compatible) =>
        c < 0xA0 ? null : compatible && _compatible.TryGetValue(c, out var loose) ? loose : _canonical.GetValueOrDefault(c);

    /// <summary>The character that two compose to, or -1.</summary>
    public int Compose(int first, int second) => Hangul.Compose(first, second) is var syllable and >= 0 ? syllable
        : _compositions.TryGetValue((long)first << 32 | (uint)second, out var composed) ? composed : -1;

    /// <summary>Whether a character could compose with the one before it.</summary>
    public bool CanFollowInComposition(int c) => _composable.Contains(c) || Hangul.IsMedialOrFinal(c);

    private static FrozenDictionary<int, int[]> Decompositions(BinaryReader reader)
    {
        var map = new Dictionary<int, int[]>();
        var c = 0;
        for (var n = reader.Read7BitEncodedInt(); n > 0; n--)
        {
            c += reader.Read7BitEncodedInt();
            var parts = new int[reader.Read7BitEncodedInt()];
            for (var i = 0; i < parts.Length; i++) parts[i] = reader.Read7BitEncodedInt();
            map[c] = parts;
        }
        return map.ToFrozenDictionary();
    }
}
