using LowRank.Formats;

namespace LowRank.Training.Pictures;

/// <summary>
/// A picture that can be written as PNG. It looks the same on every machine: the font is embedded, nothing is taken from the system. Immutable and safe to use from many
/// threads; one is drawn at a time.
/// </summary>
/// <remarks>
/// Drawing needs the native libraries of SkiaSharp and HarfBuzz, which the <c>lowrank</c> tool brings. A program of your own that draws adds
/// <c>SkiaSharp.NativeAssets.Linux.NoDependencies</c> and <c>HarfBuzzSharp.NativeAssets.Linux</c>, or their namesakes for its system; one that does not draw is spared them.
/// </remarks>
public abstract record Picture
{
    // ScottPlot's fonts and styles are static.
    private static readonly Lock Drawing = new();

    /// <summary>What stands above the picture; empty for nothing.</summary>
    public string Title { get; init; } = "";

    /// <summary>Writes the picture as a PNG file, whole or not at all.</summary>
    /// <param name="path">The file to create or replace.</param>
    /// <param name="width">Width in pixels. Default 900.</param>
    /// <param name="height">Height in pixels. Default 560.</param>
    /// <exception cref="LowRankException">The file cannot be written, or the native libraries are not there.</exception>
    public void Save(string path, int width = 900, int height = 560) => AtomicFile.WriteAllBytes(path, ToPng(width, height));

    /// <summary>The picture as the bytes of a PNG file.</summary>
    /// <param name="width">Width in pixels, from 1.</param>
    /// <param name="height">Height in pixels, from 1.</param>
    /// <exception cref="LowRankException">The native libraries are not there.</exception>
    public byte[] ToPng(int width = 900, int height = 560)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        try
        {
            lock (Drawing)
            {
                _ = PictureFont.Typeface;
                return Draw(width, height);
            }
        }
        catch (Exception error) when (error is DllNotFoundException || error is TypeInitializationException { InnerException: DllNotFoundException })
        {
            throw new LowRankException("Pictures need the native libraries of SkiaSharp and HarfBuzz, which are not there. Add the packages SkiaSharp.NativeAssets.* and HarfBuzzSharp.NativeAssets.* of this system to the program (on Linux SkiaSharp.NativeAssets.Linux.NoDependencies and HarfBuzzSharp.NativeAssets.Linux).", error);
        }
    }

    /// <summary>Draws it.</summary>
    private protected abstract byte[] Draw(int width, int height);
}
