namespace LowRank.Training.Settings;

/// <summary>Settings under one name. What a file or an option says wins over them.</summary>
public static class TrainPresets
{
    private static readonly Dictionary<string, (string Key, string Value)[]> Table = new(StringComparer.Ordinal)
    {
        // The lecture's way to begin: rank 8 on query and value, QLoRA, alpha = r, which is the default; 80 % of memory is what every run keeps to.
        ["lecture"] = [("method", "qlora"), ("rank", "8"), ("target", "qv")],
    };

    /// <summary>The names.</summary>
    public static IReadOnlyCollection<string> Names => Table.Keys;

    /// <summary>The settings of a preset.</summary>
    /// <exception cref="LowRankException">There is none of that name.</exception>
    public static IReadOnlyList<SettingEntry> Entries(string name) => Table.TryGetValue(name, out var entries)
        ? [.. entries.Select(e => new SettingEntry(e.Key, e.Value, $"--preset {name}: {e.Key}"))]
        : throw new LowRankException($"--preset: there is no \"{name}\"; there is {string.Join(", ", Names)}.");
}
