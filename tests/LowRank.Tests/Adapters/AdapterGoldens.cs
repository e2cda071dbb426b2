using System.Text.Json.Nodes;
using LowRank.Testing;

namespace LowRank.Tests.Adapters;

/// <summary>Finds the reference files of adapters: JSON of <c>numerics/adapters/targets</c> and adapter folders at any depth.</summary>
internal static class AdapterGoldens
{
    public static JsonNode? Targets(string file)
    {
        var path = Golden.At("numerics", "adapters", "targets", file);
        return File.Exists(path) ? JsonNode.Parse(File.ReadAllText(path)) : null;
    }

    /// <summary>The cases of a file, by their number and something to recognize them by.</summary>
    public static IEnumerable<TheoryDataRow<string>> Cases(string kind, string file, string list, Func<string, string?>? skip = null) =>
        Golden.Cases(kind, Targets(file)?[list] is JsonArray cases ? cases.Select((c, i) => $"{i}:{Label(c!)}") : [], skip);

    public static JsonNode Case(string file, string list, string name) => Targets(file)![list]![int.Parse(name.Split(':')[0], System.Globalization.CultureInfo.InvariantCulture)]!;

    /// <summary>The folders with an adapter_config.json below a folder of the root, as relative names.</summary>
    public static IEnumerable<string> Folders(string below)
    {
        var root = Golden.At(below.Split('/'));
        return !Directory.Exists(root) ? []
            : Directory.EnumerateFiles(root, "adapter_config.json", SearchOption.AllDirectories)
                .Select(f => Path.GetRelativePath(root, Path.GetDirectoryName(f)!).Replace('\\', '/')).Order(StringComparer.Ordinal);
    }

    private static string Label(JsonNode c) => (c["method"] ?? c["model"] ?? c["module"])?.GetValue<string>() ?? c["config"]!.ToJsonString();
}
