using System.Globalization;
using System.Text.Json.Nodes;
using LowRank.Adapters;
using LowRank.Cli.Terminal;
using LowRank.Formats;

namespace LowRank.Cli.Inspection;

/// <summary>Prints a <see cref="CheckpointSummary"/>, and of an adapter its configuration.</summary>
internal static class CheckpointView
{
    /// <summary>Prints it.</summary>
    /// <param name="screen">Where.</param>
    /// <param name="summary">The summary.</param>
    /// <param name="tensors">Whether to list every tensor.</param>
    /// <param name="json">Whether to print JSON.</param>
    public static void Show(Screen screen, CheckpointSummary summary, bool tensors, bool json)
    {
        var config = AdapterConfig(summary.Path);
        if (json)
        {
            var node = summary.ToJson();
            if (config is not null) node["adapter"] = JsonNode.Parse(config.ToJson());
            screen.Json(node);
            return;
        }
        var fields = new List<(string, string)>
        {
            ("path", summary.Path),
            ("format", summary.Format),
            ("parameters", Quantity.Count(summary.Parameters)),
            ("size", $"{Quantity.Bytes(summary.Bytes)} in {Plural(summary.Files.Count, "file")}"),
            ("tensors", string.Create(CultureInfo.InvariantCulture, $"{summary.Tensors.Count}")),
        };
        fields.AddRange(summary.ByType.Select(t => ($"  {t.Type}", $"{Plural(t.Tensors, "tensor")}, {Quantity.Count(t.Parameters)} parameters")));
        if (config is not null) fields.AddRange(Adapter(config));
        fields.AddRange(summary.Metadata.Select(m => (Printable.Of(m.Key), Printable.Of(m.Value))));
        screen.Fields(fields);
        if (!tensors) return;
        screen.Out.WriteLine();
        foreach (var t in summary.Tensors) screen.Out.WriteLine($"{t.Name}  {t.Type} [{string.Join(", ", t.Shape)}]");
    }

    private static IEnumerable<(string, string)> Adapter(LoraConfig config)
    {
        yield return ("base model", config.BaseModel ?? "not told");
        yield return ("rank", string.Create(CultureInfo.InvariantCulture, $"{config.Rank}"));
        yield return ("alpha", string.Create(CultureInfo.InvariantCulture, $"{config.Alpha}, a scaling of {config.Scaling(config.Rank, config.Alpha):0.####}{(config.UseRslora ? " (rsLoRA)" : "")}"));
        yield return ("targets", config.TargetModules?.ToString() ?? "those of the model's family");
        if (config.RankPattern.Count > 0) yield return ("rank pattern", string.Join(", ", config.RankPattern.Select(p => $"{p.Key}: {p.Value}")));
        if (config.ModulesToSave is { Count: > 0 } saved) yield return ("trained whole", string.Join(", ", saved));
        if (config.Bias != BiasTraining.None) yield return ("biases", config.Bias.ToString());
        if (config.Dropout > 0) yield return ("dropout", string.Create(CultureInfo.InvariantCulture, $"{config.Dropout}"));
    }

    private static LoraConfig? AdapterConfig(string path) =>
        Directory.Exists(path) && File.Exists(Path.Combine(path, LoraConfig.FileName)) ? LoraConfig.Load(path) : null;

    private static string Plural(int count, string noun) => string.Create(CultureInfo.InvariantCulture, $"{count} {noun}{(count == 1 ? "" : "s")}");
}
