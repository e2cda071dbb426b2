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
        modules = WithExpertParameters(modules);
        if (!tensors.ContainsKey("lm_head.weight"))
        {
            var embedding = modules.Single(m => m.Kind == ModuleKind.Embedding && m.Name.EndsWith(modelType == "gpt2" ? "wte" : "embed_tokens", StringComparison.Ordinal));
            modules.Add(new AdaptableModule("lm_head", ModuleKind.Head, embedding.OutFeatures, embedding.InFeatures, false) { TiedTo = embedding.Name });
        }
        return (modules, modelType);
    }

    // transformers 5 holds the experts' matrices of a layer in two parameters and names the block mlp in every family: here by the name of the matrix in the checkpoint.
    private static List<AdaptableModule> WithExpertParameters(List<AdaptableModule> modules)
    {
        static string Parameter(AdaptableModule expert) =>
            $"{expert.Name.Replace("block_sparse_moe", "mlp", StringComparison.Ordinal).Split(".experts.")[0]}.experts.{(expert.Name.Split('.')[^1] is "w2" or "down_proj" ? "down_proj" : "gate_up_proj")}";
        var experts = modules.Where(m => m.Kind == ModuleKind.Expert).ToList();
        var fused = experts.GroupBy(Parameter, StringComparer.Ordinal).OrderBy(g => g.Key.EndsWith("down_proj", StringComparison.Ordinal)).Select(parts =>
        {
            var count = parts.Select(p => p.Name.Split(".experts.")[1].Split('.')[0]).Distinct(StringComparer.Ordinal).Count();
            return new AdaptableModule(parts.Key, ModuleKind.Experts, parts.First().InFeatures, parts.Sum(p => p.OutFeatures) / count, false) { Experts = count };
        });
        return
        [
            .. modules.Select(m => m.Kind == ModuleKind.Expert ? m with { PartOf = Parameter(m) }
                : m.Kind == ModuleKind.Router ? m with { ParameterHolder = m.Name.Replace("block_sparse_moe", "mlp", StringComparison.Ordinal) } : m),
            .. fused,
        ];
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
