using System.Globalization;

namespace LowRank.Training.Data.Sources;

/// <summary>One of the sources that a user names as data, with its weight in the mixture.</summary>
/// <param name="Name">A file, a folder, a pattern of files, or a data set of the hub.</param>
/// <param name="Weight">Its share, against those of the others; null where none is given.</param>
internal sealed record DataItem(string Name, double? Weight)
{
    /// <summary>Reads <c>a.jsonl</c>, <c>a.jsonl,b.parquet</c> or <c>a.jsonl=2,b.parquet=1</c>. A text that is the name of a file or folder is that.</summary>
    /// <exception cref="LowRankException">A part is empty, or only some parts have weights.</exception>
    public static IReadOnlyList<DataItem> Parse(string data)
    {
        if (Path.Exists(data)) return [new DataItem(data, null)];
        var items = data.Split(',').Select(p => One(p.Trim(), data)).ToArray();
        if (items.Any(i => i.Weight is null) && items.Any(i => i.Weight is not null))
            throw new LowRankException($"--data {data}: {items.First(i => i.Weight is null).Name} has no weight and others have one. Give each a weight (a.jsonl=2,b.jsonl=1) or none, which takes every row once.");
        return items;
    }

    private static DataItem One(string part, string data)
    {
        if (part.Length == 0) throw new LowRankException($"--data {data}: a part between the commas is empty");
        if (Path.Exists(part) || part.LastIndexOf('=') is not (> 0 and var equals)) return new DataItem(part, null);
        return double.TryParse(part.AsSpan(equals + 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var weight)
            ? weight > 0 && double.IsFinite(weight) ? new DataItem(part[..equals], weight) : throw new LowRankException($"--data {data}: the weight of {part[..equals]} must be above 0; leave out what is not wanted")
            : new DataItem(part, null);
    }
}
