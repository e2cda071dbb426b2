using LowRank.Training.Pictures;

namespace LowRank.Training.Data.Reports;

/// <summary>How long rows are, before anything is cut off.</summary>
/// <param name="Unit">"tokens", or "characters" where no tokenizer is at hand.</param>
/// <param name="Bins">Ten or so bins of equal width that reach over 99 % of the rows, and one for longer rows where there are such.</param>
internal sealed record LengthHistogram(string Unit, IReadOnlyList<LengthBin> Bins)
{
    private const int Wanted = 10;

    public static LengthHistogram Of(IReadOnlyCollection<int> lengths, string unit)
    {
        if (lengths.Count == 0) return new LengthHistogram(unit, []);
        var sorted = lengths.Order().ToArray();
        // A few very long rows must not press all others into one bin.
        var usual = sorted[Math.Max(0, (int)Math.Ceiling(0.99 * sorted.Length) - 1)];
        var width = Nice((usual + 1 + Wanted - 1) / Wanted);
        var bins = new List<LengthBin>();
        var at = 0;
        for (var from = sorted[0] / width * width; from <= usual; from += width)
        {
            var begin = at;
            while (at < sorted.Length && sorted[at] < from + width) at++;
            bins.Add(new LengthBin(from, from + width - 1, at - begin));
        }
        if (at < sorted.Length) bins.Add(new LengthBin(bins[^1].To + 1, sorted[^1], sorted.Length - at));
        return new LengthHistogram(unit, bins);
    }

    /// <summary>The histogram as a picture.</summary>
    public Picture ToPicture(string title) => new BarChart { Title = title, YLabel = "rows", Format = "N0", Bars = [.. Bins.Select(b => new Bar($"{b.From}", b.Rows))] };

    /// <summary>The next of 1, 2, 5, 10, 20, 50, …</summary>
    private static int Nice(int least)
    {
        for (var power = 1; ; power *= 10)
            foreach (var digit in (ReadOnlySpan<int>)[1, 2, 5])
                if (digit * power >= least || power >= 100_000_000) return digit * power;
    }
}
