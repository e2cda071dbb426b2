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
        var config = ConfigOf(summary.Path);
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

    private static IEnumerable<(string, string)> Adapter(AdapterConfig config)
    {
        yield return ("base model", config.BaseModel ?? "not told");
        foreach (var field in Kind(config)) yield return field;
        yield return ("targets", config.TargetModules?.ToString() ?? "those of the model's family");
        if (config.ModulesToSave is { Count: > 0 } saved) yield return ("trained whole", string.Join(", ", saved));
        if (config.Bias != BiasTraining.None) yield return ("biases", config.Bias.ToString());
    }

    private static IEnumerable<(string, string)> Kind(AdapterConfig config)
    {
        string Number(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);
        switch (config)
        {
            case LoraConfig lora:
                yield return ("kind", lora.UseDora ? "DoRA" : "LoRA");
                yield return ("rank", Number(lora.Rank));
                yield return ("alpha", $"{Number(lora.Alpha)}, a scaling of {Number(lora.Scaling(lora.Rank, lora.Alpha))}{(lora.UseRslora ? " (rsLoRA)" : "")}");
                if (lora.RankPattern.Count > 0) yield return ("rank pattern", string.Join(", ", lora.RankPattern.Select(p => $"{p.Key}: {p.Value}")));
                if (lora.TrainableTokens is { } tokens) yield return ("trained tokens", string.Join("; ", tokens.ByModule.Select(t => $"{(t.Key.Length == 0 ? "" : t.Key + " ")}{string.Join(", ", t.Value)}")));
                if (lora.Dropout > 0) yield return ("dropout", Number(lora.Dropout));
                break;
            case AdaLoraConfig ada:
                yield return ("kind", "AdaLoRA");
                yield return ("rank", $"{ada.InitialRank} at first, {ada.TargetRank} on average at the end");
                yield return ("alpha", Number(ada.Alpha));
                if (ada.RankPattern is { } kept) yield return ("kept ranks", string.Join(", ", kept.Select(p => $"{p.Key[..p.Key.LastIndexOf('.')]}: {p.Value.Count(k => k)}")));
                if (ada.Dropout > 0) yield return ("dropout", Number(ada.Dropout));
                break;
            case MissConfig miss:
                yield return ("kind", "MiSS");
                yield return ("rank", miss.IsMini ? $"{miss.Rank}, {miss.MiniRank} columns" : Number(miss.Rank));
                if (miss.Dropout > 0) yield return ("dropout", Number(miss.Dropout));
                break;
            case Ia3Config ia3:
                yield return ("kind", "(IA)3");
                if (ia3.FeedForwardModules is { } inner) yield return ("inputs scaled", inner.ToString());
                break;
        }
    }

    private static AdapterConfig? ConfigOf(string path) =>
        Directory.Exists(path) && File.Exists(Path.Combine(path, AdapterConfig.FileName)) ? AdapterConfig.Load(path) : null;

    private static string Plural(int count, string noun) => string.Create(CultureInfo.InvariantCulture, $"{count} {noun}{(count == 1 ? "" : "s")}");
}
