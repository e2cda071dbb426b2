using System.Globalization;
using LowRank.RandomNumbers;
using LowRank.Training.Data.Rows;

namespace LowRank.Training.Data;

/// <summary>A part of the rows held back from training, by which the run is judged.</summary>
/// <param name="Training">The rows to train on, in the order of the file.</param>
/// <param name="Validation">The rows held back, in the order of their file; empty where nothing is held back.</param>
public sealed record ValidationSplit(IReadOnlyList<DataRow> Training, IReadOnlyList<DataRow> Validation)
{
    /// <summary>Holds back a number of rows, chosen by the seed alone.</summary>
    /// <param name="rows">All rows.</param>
    /// <param name="count">How many to hold back; at least one row must remain.</param>
    /// <param name="seed">Decides which.</param>
    /// <exception cref="LowRankException">Nothing would remain to train on.</exception>
    public static ValidationSplit ByCount(IReadOnlyList<DataRow> rows, int count, long seed = 0)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (count >= rows.Count)
            throw new LowRankException($"{count} rows for validation leave none of {rows.Count} to train on; hold back fewer");
        var order = Enumerable.Range(0, rows.Count).ToArray();
        new Xoshiro256(seed, -1).Shuffle(order.AsSpan());
        // Places are kept, not rows: those of large files are read when they are needed.
        return new ValidationSplit(new RowView(rows, [.. order[count..].Order()]), new RowView(rows, [.. order[..count].Order()]));
    }

    /// <summary>Holds back a share of the rows: rounded, but at least one where the share is above 0.</summary>
    /// <param name="rows">All rows.</param>
    /// <param name="share">From 0 to below 1.</param>
    /// <param name="seed">Decides which.</param>
    /// <exception cref="LowRankException">Nothing would remain to train on.</exception>
    public static ValidationSplit ByShare(IReadOnlyList<DataRow> rows, double share, long seed = 0)
    {
        ArgumentNullException.ThrowIfNull(rows);
        if (!(share >= 0 && share < 1)) throw new ArgumentOutOfRangeException(nameof(share), share, "a share from 0 to below 1");
        return ByCount(rows, share == 0 ? 0 : Math.Max(1, (int)Math.Round(rows.Count * share)), seed);
    }

    /// <summary>
    /// What a user writes as validation: <c>0.1</c> or <c>10%</c> (a share), <c>200</c> (rows), the path of another file, a folder or a pattern of files, or a data set of the hub.
    /// </summary>
    /// <param name="data">The training file.</param>
    /// <param name="validation">The text; null or empty holds nothing back.</param>
    /// <param name="seed">Decides which rows.</param>
    /// <param name="options">How the other file is read.</param>
    /// <exception cref="LowRankException">The text is none of these, the file cannot be read, or nothing would remain to train on.</exception>
    public static ValidationSplit Parse(Dataset data, string? validation, long seed = 0, DatasetOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (string.IsNullOrWhiteSpace(validation)) return new ValidationSplit(data.Rows, []);
        var text = validation.Trim();
        if (File.Exists(text)) return new ValidationSplit(data.Rows, Rows(Dataset.Load(text, options), data));
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count)) return ByCount(data.Rows, count, seed);
        var isPercent = text.EndsWith('%');
        if (double.TryParse(text.TrimEnd('%'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var share)
            && (isPercent ? share / 100 : share) is >= 0 and < 1 and var part)
            return ByShare(data.Rows, part, seed);
        if (DataSource.IsComposed(text)) return new ValidationSplit(data.Rows, Rows(DataSource.Load(text, options, isHeldOut: true), data));
        throw new LowRankException($"validation \"{text}\" is no file or folder, no number of rows (200), and no share of them (0.1 or 10%)");
    }

    // Held-out rows are for the objective that the training rows are for.
    private static IReadOnlyList<DataRow> Rows(Dataset held, Dataset training)
    {
        // Preferences can be learned from as judged answers, and may be held out beside these.
        var isJudged = training.Formats.Contains(DataFormat.Kto) || held.Formats.Contains(DataFormat.Kto) && training.Formats.Contains(DataFormat.Preference);
        held.RequireRows(isJudged ? RowUse.Judgements : training.Formats.Contains(DataFormat.Preference) ? RowUse.Pairs : RowUse.Answers);
        return held.Rows;
    }
}
