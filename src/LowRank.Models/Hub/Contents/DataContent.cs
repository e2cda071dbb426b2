using System.Text.RegularExpressions;

namespace LowRank.Models.Hub.Contents;

/// <summary>
/// One file or split of a data set. Splits are found by the names that the datasets library knows: <c>train.jsonl</c>,
/// <c>data/train-00000-of-00002.jsonl</c>, <c>train/part1.json</c>, also <c>training</c>, <c>valid</c>, <c>dev</c>, <c>val</c>, <c>testing</c>,
/// <c>eval</c>; the mapping in a data set's README is not read. Only kinds of file that the data reader takes are downloaded.
/// </summary>
/// <param name="part">A file, a split, or a folder and a split; null for the split train.</param>
internal sealed partial class DataContent(string? part) : HubContent
{
    private const string DefaultSplit = "train";

    // In the order of preference where a split is there in several kinds.
    private static readonly string[] Readable = [".jsonl", ".ndjson", ".json", ".parquet", ".csv", ".tsv"];
    private static readonly string[] Unreadable = [".arrow", ".gz", ".zst", ".zip", ".bz2", ".xz"];
    private static readonly string[] PlainText = [".txt"];
    private static readonly string[] NoData = ["dataset_infos.json", "dataset_info.json", "dataset_dict.json", "state.json", "config.json", "package.json"];

    private static readonly string[][] Splits = [["train", "training"], ["validation", "valid", "dev", "val"], ["test", "testing", "eval", "evaluation"]];

    /// <inheritdoc/>
    public override IReadOnlyList<string> First(HubId id, IReadOnlyCollection<string> files)
    {
        var (chosen, problem) = Choose(id.Repository, files);
        return problem is null ? chosen : throw new HubException(id, problem);
    }

    /// <inheritdoc/>
    public override bool IsWhole(string snapshot, Func<string, bool> isAbsent) =>
        Choose("", HubCache.NamesIn(snapshot)) is (var chosen, null) && chosen.All(f => Has(snapshot, f));

    /// <summary>Whether a file is of a kind that the data reader takes, by its name.</summary>
    public static bool IsReadable(string file) => IsData(file) && (IsOf(file, Readable) || IsOf(file, PlainText));

    /// <summary>The files wanted, of those that a repository or folder has, or why there are none.</summary>
    /// <param name="name">What the repository or folder is called, for messages.</param>
    /// <param name="files">The names of its files, with slashes.</param>
    public (IReadOnlyList<string> Files, string? Problem) Choose(string name, IReadOnlyCollection<string> files)
    {
        if (part is not null && files.Contains(part))
            return IsOf(part, Unreadable) ? ([], NotRead(name, part, [part])) : ([part], null);
        if (part is not null && Path.GetExtension(part).Length > 0 && (IsOf(part, Readable) || IsOf(part, Unreadable) || IsOf(part, PlainText)))
            return ([], $"the revision has no file {part}. {Listing(files.Where(IsData))}");
        var (folder, split) = part?.LastIndexOf('/') is { } slash and >= 0 ? (part[..(slash + 1)], part[(slash + 1)..]) : ("", part ?? DefaultSplit);
        var data = files.Where(f => IsData(f) && !IsOf(f, PlainText) && f.StartsWith(folder, StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToArray();
        var found = Matching(data, folder, split);
        var readable = Readable.Select(kind => found.Where(f => IsOf(f, [kind])).ToArray()).FirstOrDefault(kind => kind.Length > 0) ?? [];
        // A single file without the name of a split is the data; JSON goes before the rest.
        var json = data.Where(f => IsOf(f, Readable[..3])).ToArray();
        if (found.Length == 0 && part is null && (json.Length > 0 ? json : [.. data.Where(f => IsOf(f, Readable))]) is [var single] && !Splits.Any(s => Names(single, s))) return ([single], null);
        // Plain text is data only where its name says so: a README.txt is none.
        if (readable.Length == 0) readable = Matching([.. files.Where(f => IsOf(f, PlainText) && IsData(f) && f.StartsWith(folder, StringComparison.Ordinal)).Order(StringComparer.Ordinal)], folder, split);
        if (readable.Length == 0 && found.Length > 0) return ([], NotRead(name, split, found));
        if (readable.Length == 0 && part is null && data.Length > 0 && !data.Any(f => IsOf(f, Readable))) return ([], NotRead(name, "it", data));
        if (readable.Length == 0) return ([], $"the data set has no split '{(folder + split)}' in JSON Lines, JSON, Parquet or CSV. {Listing(files.Where(IsData))} Name one: {name}:FILE.");
        var folders = readable.Select(f => f[..(f.LastIndexOf('/') + 1)]).Distinct(StringComparer.Ordinal).ToArray();
        if (folders.Length > 1) return ([], $"the split '{split}' is in several folders. Name one: {string.Join(" or ", folders.Take(8).Select(f => $"{name}:{f}{split}"))}.");
        return MissingShard(readable) is { } missing ? ([], missing) : (readable, null);
    }

    private static string[] Matching(string[] data, string folder, string split)
    {
        var names = Splits.FirstOrDefault(s => s.Contains(split)) ?? [split];
        // The name of a file says more than that of its folder.
        var byName = data.Where(f => Names(f[(f.LastIndexOf('/') + 1)..], names)).ToArray();
        return byName.Length > 0 ? byName : [.. data.Where(f => Names(f[folder.Length..(f.LastIndexOf('/') + 1)], names))];
    }

    /// <summary>Whether a path has one of the words, between its ends, separators and digits.</summary>
    private static bool Names(string path, string[] words) => words.Any(w => Regex.IsMatch(path, $@"(^|[-._ 0-9/]){Regex.Escape(w)}([-._ 0-9/]|$)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant));

    private static string? MissingShard(string[] files)
    {
        foreach (var file in files)
        {
            var shard = Shard().Match(file);
            if (!shard.Success) continue;
            var count = int.Parse(shard.Groups["count"].ValueSpan, System.Globalization.CultureInfo.InvariantCulture);
            var there = files.Count(f => Shard().Match(f) is { Success: true } other && other.Groups["count"].Value == shard.Groups["count"].Value);
            if (there != count) return $"of the {count} files of {file[..shard.Index]} only {there} are there. Name the file you want instead.";
        }
        return null;
    }

    private static string NotRead(string name, string what, IReadOnlyList<string> files) =>
        $"{what} is there as {Kind(files[0])} only ({string.Join(", ", files.Take(3))}{(files.Count > 3 ? ", …" : "")}), which is not read: data is JSON Lines (.jsonl), JSON (.json), Parquet (.parquet), CSV (.csv), TSV (.tsv) or text (.txt). " +
        $"Convert it, with Python for example: datasets.load_dataset(\"{name}\", split=\"train\").to_json(\"train.jsonl\"), and name that file. Nothing was downloaded.";

    private static string Kind(string file) => Path.GetExtension(file).ToLowerInvariant() switch
    {
        ".arrow" => "Arrow",
        var other => $"compressed files ({other})",
    };

    private static bool IsData(string file) => (IsOf(file, Readable) || IsOf(file, Unreadable) || IsOf(file, PlainText)) && !NoData.Contains(Path.GetFileName(file)) && !file.Split('/').Any(p => p.StartsWith('.'));

    private static bool IsOf(string file, string[] extensions) => extensions.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase);

    [GeneratedRegex(@"-\d{5}-of-(?<count>\d{5})", RegexOptions.CultureInvariant)]
    private static partial Regex Shard();
}
