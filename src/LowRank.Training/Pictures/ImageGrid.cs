using SkiaSharp;

namespace LowRank.Training.Pictures;

/// <summary>Grey images beside each other, each with a caption: a matrix seen as a picture, such as one kept at rank 1, 8 and 32.</summary>
public sealed record ImageGrid : Picture
{
    private const float Margin = 16, CaptionHeight = 34, TitleHeight = 44, CaptionSize = 18, TitleSize = 22;

    /// <summary>The images, row by row.</summary>
    public required IReadOnlyList<CaptionedImage> Images { get; init; }

    /// <summary>Images in a row; null for all of them.</summary>
    public int? Columns { get; init; }

    /// <inheritdoc/>
    private protected override byte[] Draw(int width, int height)
    {
        using var surface = SKSurface.Create(new SKImageInfo(width, height));
        var canvas = surface.Canvas;
        canvas.Clear(SKColors.White);
        var top = Margin;
        if (Title.Length > 0)
        {
            Write(canvas, Title, width / 2f, Margin + TitleSize, TitleSize, width - 2 * Margin);
            top += TitleHeight;
        }
        var columns = Math.Max(1, Columns ?? Images.Count);
        var rows = (Images.Count + columns - 1) / columns;
        float cellWidth = (width - Margin) / columns, cellHeight = (height - top) / Math.Max(1, rows);
        for (var i = 0; i < Images.Count; i++) Draw(canvas, Images[i], Margin + i % columns * cellWidth, top + i / columns * cellHeight, cellWidth - Margin, cellHeight - Margin - CaptionHeight);
        using var image = surface.Snapshot();
        using var data = image.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    // As large as the cell allows, in the image's own shape, with its pixels to be seen.
    private static void Draw(SKCanvas canvas, CaptionedImage image, float left, float top, float width, float height)
    {
        int rows = image.Values.GetLength(0), columns = image.Values.GetLength(1);
        using var bitmap = new SKBitmap(columns, rows, SKColorType.Gray8, SKAlphaType.Opaque);
        var pixels = bitmap.GetPixelSpan();
        for (var y = 0; y < rows; y++)
            for (var x = 0; x < columns; x++) pixels[y * bitmap.RowBytes + x] = (byte)MathF.Round(255 * Math.Clamp(image.Values[y, x], 0, 1));
        var scale = Math.Min(width / columns, height / rows);
        var place = SKRect.Create(left + (width - columns * scale) / 2, top + (height - rows * scale) / 2, columns * scale, rows * scale);
        using var picture = SKImage.FromBitmap(bitmap);
        canvas.DrawImage(picture, place, new SKSamplingOptions(SKFilterMode.Nearest));
        Write(canvas, image.Caption, left + width / 2, place.Bottom + CaptionSize + 6, CaptionSize, width);
    }

    private static void Write(SKCanvas canvas, string text, float centre, float baseline, float size, float most)
    {
        using var font = new SKFont(PictureFont.Typeface, size) { Subpixel = true };
        if (font.MeasureText(text) is var wide && wide > most) font.Size = size * most / wide;
        using var paint = new SKPaint { Color = SKColors.Black, IsAntialias = true };
        canvas.DrawText(text, centre, baseline, SKTextAlign.Center, font, paint);
    }
}
