using LowRank.Cli.Terminal;

namespace LowRank.Cli.Inspection;

/// <summary>Text of which some is learned: that part in colour, or between ⟦ and ⟧ where there is none.</summary>
internal static class MarkedText
{
    /// <summary>What is said once before such text.</summary>
    public static string Legend(Screen screen) => screen.Colors ? "learned tokens are green" : "learned tokens stand between ⟦ and ⟧";

    /// <summary>Prints the pieces and ends the line.</summary>
    public static void Write(Screen screen, IEnumerable<(string Text, bool Supervised)> pieces)
    {
        var text = "\n";
        foreach (var (piece, supervised) in pieces)
        {
            text = Printable.Of(piece);
            if (!supervised) screen.Write(text);
            else if (screen.Colors) screen.Write(text, "bold green");
            else screen.Write($"⟦{text}⟧");
        }
        if (!text.EndsWith('\n') || !screen.Colors) screen.Out.WriteLine();
    }
}
