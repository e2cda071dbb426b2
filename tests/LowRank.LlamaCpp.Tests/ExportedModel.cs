using System.Text.Json.Nodes;
using LowRank.Formats;
using LowRank.Models.Export;
using LowRank.Testing;

namespace LowRank.LlamaCpp.Tests;

/// <summary>The tiny models of fixtures/models as GGUF files, and how near llama.cpp can come to them.</summary>
internal static class ExportedModel
{
    /// <summary>Whether the model is exported as it is. A scale of attention by another number than the head's size, as these two of Gemma have it, has no place in GGUF, so their copies have that size.</summary>
    public static bool IsAsPublished(string name) => name is not ("gemma2" or "gemma3");

    /// <summary>
    /// Positions that can be compared, of the short input and of the long one. llama.cpp has no window for mistral and phi3, which the export warns of: one of 8 and 16 hides nothing from as many
    /// positions. Its longrope takes the long factors wherever the context may exceed the original one, as transformers does once it is exceeded; llama.cpp's smallest context, 256, does.
    /// </summary>
    public static (int Short, int Long) Compared(string name) => name switch
    {
        "mistral-sliding" => (8, 8),
        "phi3" => (16, 16),
        "phi3-longrope" => (0, int.MaxValue),
        _ => (int.MaxValue, int.MaxValue),
    };

    /// <summary>
    /// The largest difference of a logit. That of the fixture; but for gemma, whose GELU llama.cpp looks up in a table of half precision: an activation near 1 is then wrong by up to 2^-11,
    /// and the sum over the 80 of a layer with weights below 0.5, four layers with logits of deviation 1, by some ten times that.
    /// </summary>
    public static double Tolerance(string name) => name.StartsWith("gemma", StringComparison.Ordinal) ? 5e-3 : GoldenModels.Tolerance("models", name, "logits");

    /// <summary>Copies a model into a folder, changed where GGUF asks for it.</summary>
    public static string Prepare(string name, string folder)
    {
        var target = Path.Combine(folder, name);
        Directory.CreateDirectory(target);
        foreach (var file in Directory.GetFiles(Golden.At("models", name), "model*")) File.Copy(file, Path.Combine(target, Path.GetFileName(file)), overwrite: true);
        var config = JsonNode.Parse(File.ReadAllText(Golden.At("models", name, "config.json")))!.AsObject();
        if (config["query_pre_attn_scalar"] is not null) config["query_pre_attn_scalar"] = config["head_dim"]!.DeepClone();
        File.WriteAllText(Path.Combine(target, "config.json"), config.ToJsonString());
        return target;
    }

    /// <summary>Writes the file, without a tokenizer: the tiny models have none.</summary>
    public static string Write(string model, string path, GgufFileType type = GgufFileType.F32)
    {
        using var source = ExportSource.Open(model);
        GgufExporter.Export(source, path, new GgufExportOptions { Type = type }, CancellationToken.None, withTokenizer: false);
        return path;
    }
}
