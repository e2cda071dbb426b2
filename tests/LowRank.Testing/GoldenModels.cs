using System.Text.Json;

namespace LowRank.Testing;

/// <summary>The tiny models of <c>fixtures/models</c>, and what its manifest says of them and their adapters.</summary>
public static class GoldenModels
{
    /// <summary>The names of the models' folders, in order.</summary>
    public static IEnumerable<string> Names => !Directory.Exists(Golden.At("models")) ? []
        : Directory.GetDirectories(Golden.At("models")).Select(d => Path.GetFileName(d)!).Where(n => File.Exists(Golden.At("models", n, "config.json"))).Order(StringComparer.Ordinal);

    /// <summary>The largest difference that is still rounding.</summary>
    /// <param name="list"><c>models</c> or <c>adapters</c>.</param>
    /// <param name="name">Which of them.</param>
    /// <param name="key">Of what, such as <c>logits</c>.</param>
    public static double Tolerance(string list, string name, string key)
    {
        using var manifest = JsonDocument.Parse(File.ReadAllBytes(Golden.At("models", "MANIFEST.json")));
        return manifest.RootElement.GetProperty(list).EnumerateArray().Single(m => m.GetProperty("name").GetString() == name).GetProperty("tolerance").GetProperty(key).GetDouble();
    }
}
