namespace LowRank.Training.Pictures;

/// <summary>An image of an <see cref="ImageGrid"/>.</summary>
/// <param name="Caption">What stands below it.</param>
/// <param name="Values">Grey values <c>[height, width]</c> from 0 (black) to 1 (white); what is beyond is clamped.</param>
public sealed record CaptionedImage(string Caption, float[,] Values);
