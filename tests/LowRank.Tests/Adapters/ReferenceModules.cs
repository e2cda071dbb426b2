using System.Text.Json.Nodes;
using LowRank.Adapters;
using LowRank.Formats;

namespace LowRank.Tests.Adapters;

/// <summary>The modules of a reference checkpoint, by the names and shapes of its tensors alone.</summary>
internal static class ReferenceModules
{
    public static (IReadOnlyList<AdaptableModule> Modules, string ModelType) Of(string folder)
    {
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!;
        var modelType = config["model_type"]!.GetValue<string>();
        using var source = SafetensorsFolder.Open(folder);
        var tensors = source.Tensors.ToDictionary(t => t.Name, t => t.Shape);
        var modules = tensors.Where(t => t.Key.EndsWith(".weight", StringComparison.Ordinal)).Select(t => Module(t.Key[..^".weight".Length], t.Value, modelType, tensors)).ToList();
        if (!tensors.ContainsKey("lm_head.weight"))
        {
            var embedding = modules.Single(m => m.Kind == ModuleKind.Embedding && m.Name.EndsWith(modelType == "gpt2" ? "wte" : "embed_tokens", StringComparison.Ordinal));
            modules.Add(new AdaptableModule("lm_head", ModuleKind.Head, embedding.OutFeatures, embedding.InFeatures, false) { TiedTo = embedding.Name });
        }
        return (modules, modelType);
    }

    private static AdaptableModule Module(string name, long[] shape, string modelType, Dictionary<string, long[]> tensors)
    {
        var bias = tensors.ContainsKey(name + ".bias");
        var last = name[(name.LastIndexOf('.') + 1)..];
        return shape.Length == 1 ? new AdaptableModule(name, ModuleKind.Other, 0, shape[0], bias)
            : last is "embed_tokens" or "wte" or "wpe" ? new AdaptableModule(name, ModuleKind.Embedding, shape[0], shape[1], bias)
            : last == "lm_head" ? new AdaptableModule(name, ModuleKind.Head, shape[1], shape[0], bias)
            : name.Contains(".experts.", StringComparison.Ordinal) ? new AdaptableModule(name, ModuleKind.Expert, shape[1], shape[0], bias)
            : last == "gate" ? new AdaptableModule(name, ModuleKind.Router, shape[1], shape[0], bias)
            : modelType == "gpt2" ? new AdaptableModule(name, ModuleKind.Conv1D, shape[0], shape[1], bias)
            : new AdaptableModule(name, ModuleKind.Linear, shape[1], shape[0], bias);
    }
}
