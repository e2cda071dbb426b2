namespace LowRank.Training.Lecture.Principle;

/// <summary>A small grey picture made by formulas: hills before an evening sky, with a sun, stars and a house. Broad shapes and fine detail, as photographs have them.</summary>
internal static class LectureImage
{
    private const int Height = 180, Width = 240;

    /// <summary>Grey values <c>[180, 240]</c> from 0 to 1.</summary>
    public static float[,] Create()
    {
        var image = new float[Height, Width];
        for (var y = 0; y < Height; y++)
            for (var x = 0; x < Width; x++) image[y, x] = (float)Math.Clamp(At(x, y), 0, 1);
        return image;
    }

    private static double At(double x, double y)
    {
        if (x is >= 150 and < 196 && y >= 112 && y < 158) return House(x - 150, y - 112);
        if (y >= 96 && y < 112 && Math.Abs(x - 173) < 2 + (y - 96) * 1.7) return 0.22 + 0.04 * ((int)(y / 3) % 2);
        var near = 138 + 9 * Math.Sin(x / 26) + 4 * Math.Sin(x / 9 + 1);
        if (y > near) return 0.18 + 0.07 * Math.Sin(x * 0.9 + 3 * Math.Sin(y * 0.7)) + 0.0015 * (y - near);
        var far = 108 - 26 * Math.Exp(-Math.Pow((x - 70) / 46, 2)) - 14 * Math.Exp(-Math.Pow((x - 205) / 30, 2)) + 3 * Math.Sin(x / 5);
        if (y > far) return 0.42 - 0.001 * (y - far) + 0.03 * Math.Sin(x / 2.3 + y / 4);
        var sun = Math.Sqrt(Math.Pow(x - 178, 2) + Math.Pow(y - 44, 2));
        if (sun < 17) return 0.98 - 0.004 * sun;
        var sky = 0.88 - 0.003 * y + 0.25 * Math.Exp(-sun / 30) + 0.03 * Math.Sin(y / 6 + 2 * Math.Sin(x / 40));
        // Birds.
        foreach (var (bx, by) in ((double, double)[])[(48, 30), (62, 38), (80, 26), (112, 48)])
            if (Math.Abs(y - by + 4 - Math.Abs(Math.Abs(x - bx) - 4)) < 1.2 && Math.Abs(x - bx) < 9) return 0.15;
        return sky;
    }

    private static double House(double x, double y)
    {
        // Two windows with bars, a door, rows of bricks.
        if (y is >= 10 and < 24 && (x is >= 6 and < 18 || x is >= 28 and < 40)) return (x is >= 11 and < 13 || x is >= 33 and < 35 || y is >= 16 and < 18) ? 0.2 : 0.95;
        if (y >= 28 && x is >= 18 and < 29) return x is >= 26 and < 28 && y is >= 36 and < 38 ? 0.9 : 0.12;
        return (int)y % 5 == 0 || (int)(x + 4 * ((int)y / 5 % 2)) % 8 == 0 ? 0.5 : 0.68;
    }
}
