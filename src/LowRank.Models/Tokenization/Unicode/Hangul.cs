namespace LowRank.Models.Tokenization.Unicode;

/// <summary>Hangul syllables compose and decompose by arithmetic (The Unicode Standard, section 3.12).</summary>
internal static class Hangul
{
    private const int SyllableBase = 0xAC00, InitialBase = 0x1100, MedialBase = 0x1161, FinalBase = 0x11A7;
    private const int Initials = 19, Medials = 21, Finals = 28, Syllables = Initials * Medials * Finals;

    /// <summary>Whether this is a precomposed syllable.</summary>
    public static bool IsSyllable(int c) => c is >= SyllableBase and < SyllableBase + Syllables;

    /// <summary>Whether this letter joins a syllable begun before it.</summary>
    public static bool IsMedialOrFinal(int c) => c is >= MedialBase and < MedialBase + Medials or > FinalBase and < FinalBase + Finals;

    /// <summary>Appends the letters of a syllable.</summary>
    public static int[] Decompose(int syllable)
    {
        var index = syllable - SyllableBase;
        var (initial, medial, final) = (InitialBase + index / (Medials * Finals), MedialBase + index % (Medials * Finals) / Finals, FinalBase + index % Finals);
        return final == FinalBase ? [initial, medial] : [initial, medial, final];
    }

    /// <summary>The syllable of an initial and a medial, or of a syllable without final and a final; else -1.</summary>
    public static int Compose(int first, int second)
    {
        if (first is >= InitialBase and < InitialBase + Initials && second is >= MedialBase and < MedialBase + Medials)
            return SyllableBase + ((first - InitialBase) * Medials + second - MedialBase) * Finals;
        return IsSyllable(first) && (first - SyllableBase) % Finals == 0 && second is > FinalBase and < FinalBase + Finals ? first + second - FinalBase : -1;
    }
}
