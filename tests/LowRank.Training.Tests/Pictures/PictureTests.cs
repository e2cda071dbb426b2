using LowRank.Training.Pictures;
using SkiaSharp;

namespace LowRank.Training.Tests.Pictures;

/// <summary>The kinds of pictures: PNG files of the asked size, with letters of the embedded font on them. Set LOWRANK_PICTURES to a folder to keep them for a look.</summary>
public sealed class PictureTests
{
    private static readonly LineChart Losses = new()
    {
        Title = "Held-out loss, mean and band of three seeds",
        XLabel = "step",
        YLabel = "loss",
        Curves =
        [
            Falling("full fine-tuning", 2.1, 0.05), Falling("LoRA r = 16, all-linear", 2.0, 0.04), Falling("QLoRA r = 16, α = 2r", 2.2, 0.08),
        ],
    };

    private static Curve Falling(string name, double start, double spread)
    {
        double[] xs = [.. Enumerable.Range(0, 21).Select(i => i * 10.0)], ys = [.. xs.Select(x => start * Math.Exp(-x / 80) + 0.3)];
        return new Curve(name, xs, ys) { Lower = [.. ys.Select(y => y - spread)], Upper = [.. ys.Select(y => y + spread)] };
    }

    public static TheoryData<string> Names => [.. Pictures.Keys];

    private static readonly Dictionary<string, Picture> Pictures = new()
    {
        ["lines"] = Losses,
        ["lines-logarithmic"] = Losses with { IsLogarithmic = true, Title = "순위별 손실 (로그)" },
        ["bars"] = new BarChart
        {
            Title = "Accuracy on 600 rows, 95 % interval",
            YLabel = "accuracy",
            Bars = [new("base", 0.02, 0.01, 0.03), new("full", 0.957, 0.94, 0.97), new("LoRA", 0.955, 0.938, 0.969), new("QLoRA", 0.951, 0.93, 0.967)],
        },
        ["matrix"] = new MatrixChart
        {
            Title = "Rank by layer and module",
            XLabel = "layer",
            YLabel = "module",
            Rows = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
            Columns = [.. Enumerable.Range(0, 12).Select(i => $"{i}")],
            Values = Table(7, 12, (i, j) => (i * 5 + j * 3) % 17),
        },
        ["images"] = new ImageGrid
        {
            Title = "An image kept at rank r (영상의 순위)",
            Images = [.. ((int[])[1, 8, 32]).Select(r => new CaptionedImage($"rank {r}: {r * 128:N0} numbers", Rings(64, r)))],
        },
    };

    private static double[,] Table(int rows, int columns, Func<int, int, double> value)
    {
        var table = new double[rows, columns];
        for (var i = 0; i < rows; i++)
            for (var j = 0; j < columns; j++) table[i, j] = value(i, j);
        return table;
    }

    private static float[,] Rings(int size, int waves)
    {
        var values = new float[size, size];
        for (var y = 0; y < size; y++)
            for (var x = 0; x < size; x++) values[y, x] = 0.5f + 0.5f * MathF.Cos(MathF.Sqrt((x - 32) * (x - 32) + (y - 32) * (y - 32)) * waves / 16f);
        return values;
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_picture_is_a_png_of_the_asked_size_with_ink_on_it(string name)
    {
        var png = Pictures[name].ToPng(800, 480);
        if (Environment.GetEnvironmentVariable("LOWRANK_PICTURES") is { } folder) File.WriteAllBytes(Path.Combine(folder, name + ".png"), png);
        using var bitmap = SKBitmap.Decode(png);
        Assert.Equal((800, 480), (bitmap.Width, bitmap.Height));
        Assert.True(Dark(bitmap) > 500, $"{Dark(bitmap)} dark pixels");
    }

    // Without the font the title would leave nothing, or boxes that are all alike.
    [Theory]
    [InlineData("Loss by rank"), InlineData("순위별 손실"), InlineData("α = r/2, ΔW ≈ B·A")]
    public void The_title_is_drawn_in_the_embedded_font(string title)
    {
        var images = (ImageGrid)Pictures["images"];
        int InkOf(string text)
        {
            using var drawn = SKBitmap.Decode((images with { Title = text }).ToPng());
            return drawn.Pixels.Take(drawn.Width * 48).Count(p => p.Red + p.Green + p.Blue < 500);
        }

        Assert.Equal(0, InkOf(" "));
        Assert.True(InkOf(title) > 60);
        Assert.NotEqual(InkOf(new string('\uE000', title.Length)), InkOf(title));
        Assert.NotEqual((Losses with { Title = new string('\uE000', title.Length) }).ToPng(), (Losses with { Title = title }).ToPng());
        Assert.All(title.EnumerateRunes(), rune => Assert.True(PictureFont.Typeface.ContainsGlyph(rune.Value), $"no glyph for {rune}"));
    }

    [Fact]
    public void The_same_picture_is_the_same_bytes_from_many_threads()
    {
        var want = Losses.ToPng(400, 300);
        var got = new byte[8][];
        Parallel.For(0, got.Length, i => got[i] = Losses.ToPng(400, 300));
        Assert.All(got, bytes => Assert.Equal(want, bytes));
    }

    [Fact]
    public void A_curve_with_one_point_and_one_with_gaps_are_drawn()
    {
        var chart = new LineChart { Curves = [new("one", [1], [1]), new("gaps", [0, 1, 2], [1, double.NaN, 0]), new("none", [], [])] };
        using var bitmap = SKBitmap.Decode(chart.ToPng(300, 200));
        Assert.Equal(300, bitmap.Width);
    }

    [Fact]
    public void Sizes_that_do_not_fit_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new LineChart { Curves = [new("a", [1, 2], [1])] }.ToPng());
        Assert.Throws<ArgumentException>(() => new MatrixChart { Rows = ["a"], Columns = ["b"], Values = new double[2, 1] }.ToPng());
        Assert.Throws<ArgumentOutOfRangeException>(() => Losses.ToPng(0, 10));
    }

    [Fact]
    public void A_file_is_written_whole()
    {
        var folder = Directory.CreateTempSubdirectory("lowrank-picture-").FullName;
        try
        {
            Losses.Save(Path.Combine(folder, "losses.png"), 300, 200);
            Assert.Equal(["losses.png"], Directory.GetFiles(folder).Select(Path.GetFileName));
            Assert.Equal(Losses.ToPng(300, 200), File.ReadAllBytes(Path.Combine(folder, "losses.png")));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static int Dark(SKBitmap bitmap) => bitmap.Pixels.Count(p => p.Red + p.Green + p.Blue < 300);
}
