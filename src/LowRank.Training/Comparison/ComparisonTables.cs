using System.Globalization;

namespace LowRank.Training.Comparison;

/// <summary>The two tables of a comparison: how good its cells are, and what they cost. Sizes are decimal (MB = 10⁶, GB = 10⁹ bytes).</summary>
internal static class ComparisonTables
{
    private const string None = "-";

    /// <summary>What the heads mean, in one sentence each.</summary>
    public const string Legend = "loss: per supervised token, ± its standard deviation over the seeds. gain kept: of full fine-tuning's. forgets: rise of the loss on a general text over the base's. "
        + "bits: of a weight of the base in training. planned, peak: resident memory in training. train/s, write/s: tokens a second of training, and of one answer. "
        + "fits: the smallest of 8 GB, a free Colab's T4 and 24 GB of which four fifths hold the planned peak.";

    /// <summary>The tables.</summary>
    public static IReadOnlyList<TextTable> Of(ComparisonResult result)
    {
        var name = string.Join(' ', result.Cells.SelectMany(c => c.Values.Keys).Distinct());
        return [Quality(result, name), Cost(result, name)];
    }

    private static TextTable Quality(ComparisonResult result, string name)
    {
        var answers = result.Cells.Any(c => c.Accuracy is not null) || result.Base?.Accuracy is not null;
        string[] columns = [name, "lr", "loss", .. answers ? (string[])["right % [95 %]"] : [], "gain kept %", "forgets"];
        var rows = new List<IReadOnlyList<string>>();
        if (result.Base is { } b) rows.Add([.. Row("base", None, Loss(b.Loss, null), b.Accuracy, null, null)]);
        foreach (var c in result.Cells) rows.Add([.. Row(c.Name, c.LearningRate is { } rate ? Rate(rate) : None, Loss(c.Loss, c.LossDeviation), c.Accuracy, c.GainKept, c.Forgetting)]);
        return new TextTable("Quality", columns, rows);

        IEnumerable<string> Row(string cell, string rate, string loss, Estimate? accuracy, Estimate? gain, double? forgetting) =>
            [cell, rate, loss, .. answers ? (string[])[Percent(accuracy)] : [], Percent(gain), forgetting is { } rise ? rise.ToString("+0.000;-0.000;0.000", CultureInfo.InvariantCulture) : None];
    }

    private static TextTable Cost(ComparisonResult result, string name) => new("Cost",
        [name, "bits", "trained", "planned", "peak", "train/s", "write/s", "disk", "fits"],
        [.. result.Cells.Select(c => (IReadOnlyList<string>)
        [
            c.Name, c.Bits is { } bits ? Text(bits, "0") : None, c.TrainableParameters is { } trained ? Count(trained) : None, Bytes(c.PlannedPeakBytes), Bytes(c.MeasuredPeakBytes),
            Text(c.TokensPerSecond, "N0"), Text(c.DecodeTokensPerSecond, "0.0"), Bytes(c.SizeOnDisk), c.Bits is null ? None : c.Fits.Count == 0 ? "none" : c.Fits[0],
        ])]);

    private static string Loss(double? loss, double? deviation) => deviation is { } sd ? $"{Text(loss, "0.0000")} ±{Text(sd, ".0000")}" : Text(loss, "0.0000");

    private static string Percent(Estimate? estimate) => estimate is null ? None
        : estimate is { Low: { } low, High: { } high } ? $"{Text(100 * estimate.Value, "0.0")} [{Text(100 * low, "0.0")}…{Text(100 * high, "0.0")}]" : Text(100 * estimate.Value, "0.0");

    private static string Rate(double rate) => rate.ToString("0.##e-0", CultureInfo.InvariantCulture);

    private static string Count(long value) => value switch
    {
        < 1_000_000 => Text(value / 1e3, "0.#") + " K",
        < 1_000_000_000 => Text(value / 1e6, "0.0") + " M",
        _ => Text(value / 1e9, "0.00") + " G",
    };

    private static string Bytes(long? value) => value switch
    {
        null => None,
        < 1_000_000 => Text(value / 1e3, "0") + " KB",
        < 1_000_000_000 => Text(value / 1e6, value < 10_000_000 ? "0.0" : "0") + " MB",
        _ => Text(value / 1e9, "0.00") + " GB",
    };

    private static string Text(double? value, string format) => value is { } number ? number.ToString(format, CultureInfo.InvariantCulture) : None;
}
