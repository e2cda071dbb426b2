using ScottPlot;
using SkiaSharp;

namespace LowRank.Training.Pictures;

/// <summary>
/// The font of all pictures, embedded in this assembly: a plain Linux has none, and labels would vanish. It is a part of Noto Sans KR (SIL Open Font License, see
/// <c>Font/README.md</c>) with Latin, Greek and Korean letters.
/// </summary>
internal static class PictureFont
{
    /// <summary>The name under which ScottPlot knows it.</summary>
    public const string Name = "LowRank picture font";

    private static readonly Lazy<SKTypeface> Loaded = new(Load);

    /// <summary>The typeface. It is shared, and lives as long as the process.</summary>
    public static SKTypeface Typeface => Loaded.Value;

    private static SKTypeface Load()
    {
        using var file = typeof(PictureFont).Assembly.GetManifestResourceStream("LowRank.Training.Pictures.font.ttf")
            ?? throw new InvalidOperationException("The font is not embedded in the assembly.");
        using var data = SKData.Create(file);
        var typeface = SKTypeface.FromData(data) ?? throw new InvalidOperationException("The embedded font cannot be read.");
        // ScottPlot's list is one for the process: other fonts that a program has registered stay.
        Fonts.FontResolvers.Insert(0, new Resolver(typeface));
        return typeface;
    }

    private sealed class Resolver(SKTypeface typeface) : IFontResolver
    {
        // A call of the older form comes here too.
        public SKTypeface? CreateTypeface(string fontName, bool bold, bool italic) => fontName == Name ? typeface : null;

        public SKTypeface? CreateTypeface(string fontName, FontWeight weight, FontSlant slant, FontSpacing spacing) => fontName == Name ? typeface : null;
    }
}
