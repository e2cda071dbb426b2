using System.Text;

namespace LowRank.Cli.Terminal;

/// <summary>Columns that text takes on a terminal: Hangul syllables and ideographs take two, marks that combine with the letter before them none.</summary>
internal static class DisplayWidth
{
    /// <summary>The columns of a text without line ends.</summary>
    public static int Of(string text)
    {
        var width = 0;
        foreach (var rune in text.EnumerateRunes()) width += Of(rune);
        return width;
    }

    /// <summary>The text with spaces behind it up to a width.</summary>
    public static string Pad(string text, int width) => text + new string(' ', Math.Max(0, width - Of(text)));

    // The ranges that Unicode's East Asian Width names wide or full-width, as far as they are of languages and their punctuation.
    private static int Of(Rune rune) => rune.Value switch
    {
        < 0x300 => 1,
        < 0x370 => 0,
        < 0x1100 => 1,
        <= 0x115f or >= 0x2e80 and <= 0x303e or >= 0x3041 and <= 0xa4cf or >= 0xa960 and <= 0xa97c or >= 0xac00 and <= 0xd7a3 => 2,
        >= 0xf900 and <= 0xfaff or >= 0xfe30 and <= 0xfe6f or >= 0xff01 and <= 0xff60 or >= 0xffe0 and <= 0xffe6 or >= 0x1f300 and <= 0x1f64f or >= 0x20000 and <= 0x3fffd => 2,
        _ => 1,
    };
}
