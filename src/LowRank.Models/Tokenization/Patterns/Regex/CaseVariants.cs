using System.Text;

namespace LowRank.Models.Tokenization.Patterns.Regex;

/// <summary>What else a character matches when case is ignored.</summary>
internal static class CaseVariants
{
    // Characters whose lower or upper case is another one's, which that one's own mapping does not tell.
    private static readonly (int, int)[] OneWay =
        [('s', 0x17F), ('S', 0x17F), ('k', 0x212A), ('K', 0x212A), (0xE5, 0x212B), (0xC5, 0x212B), (0xDF, 0x1E9E), (0xB5, 0x3BC), (0xB5, 0x39C),
         (0x3C3, 0x3C2), (0x3A3, 0x3C2), (0x3C9, 0x2126), (0x3A9, 0x2126)];

    /// <summary>Adds the variants of <paramref name="c"/> to a set.</summary>
    public static void AddTo(CodePointSet set, int c)
    {
        if (!Rune.TryCreate(c, out var rune)) return;
        foreach (var variant in (ReadOnlySpan<Rune>)[Rune.ToLowerInvariant(rune), Rune.ToUpperInvariant(rune), Rune.ToLowerInvariant(Rune.ToUpperInvariant(rune))])
            if (variant.Value != c)
                set.Add(variant.Value, variant.Value);
        foreach (var (a, b) in OneWay)
        {
            if (a == c) set.Add(b, b);
            if (b == c) set.Add(a, a);
        }
    }
}
