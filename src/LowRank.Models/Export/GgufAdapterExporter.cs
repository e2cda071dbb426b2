using System.Runtime.InteropServices;
using LowRank.Adapters;
using LowRank.Adapters.Initialization;
using LowRank.Formats;
using LowRank.Models.Families;

namespace LowRank.Models.Export;

/// <summary>
/// Writes a LoRA adapter as a GGUF file that llama.cpp (<c>--lora</c>) and Ollama (<c>ADAPTER</c>) apply to a GGUF of its base, equal to what llama.cpp's <c>convert_lora_to_gguf.py</c>
/// writes in F32. The format has one alpha, and a matrix counts alpha / rank times: where that is not its scaling (rsLoRA, <c>alpha_pattern</c>), B is multiplied by the rest.
/// </summary>
public static class GgufAdapterExporter
{
    /// <summary>Exports an adapter.</summary>
    /// <param name="adapter">A folder of PEFT or LowRank.</param>
    /// <param name="model">The base: a Hugging Face folder or a GGUF file. Its configuration is read, not its weights.</param>
    /// <param name="file">The file to create or replace.</param>
    /// <exception cref="AdapterException">The adapter is damaged, not made for this base, or holds something that the format cannot; all reasons are listed.</exception>
    /// <exception cref="LowRankException">The base is missing or of a kind that GGUF does not have here, or the file cannot be written.</exception>
    public static void Export(string adapter, string model, string file)
    {
        GgufAdapterLimits.Check(adapter);
        using var folder = AdapterFolder.Open(adapter);
        LoraConversion.Require(folder.Config, folder.Path);
        var config = ConfigOf(model);
        var (name, architecture) = GgufArchitecture.For(config.ModelType)
            ?? throw new LowRankException($"{config.Source}: an adapter of a model of the type \"{config.ModelType}\" cannot be written as GGUF here; {GgufArchitecture.WrittenModelTypes} can.");
        var updates = Updates(folder, config, architecture);

        var metadata = new GgufMetadataBuilder { Architecture = name };
        metadata.Set("general.architecture", name);
        metadata.Set("general.type", "adapter");
        metadata.Set("adapter.type", "lora");
        var told = GgufModelName.Of(Path.GetFileName(folder.Path), parameters: null);
        metadata.Set("general.name", told.Title);
        metadata.SetIfKnown("general.version", told.Version);
        metadata.SetIfKnown("general.finetune", told.FineTune);
        metadata.SetIfKnown("general.basename", told.BaseName);
        metadata.SetIfKnown("general.size_label", told.SizeLabel);
        var alpha = Alpha(folder.Config);
        metadata.Set("adapter.lora.alpha", alpha);
        metadata.Set("general.quantization_version", 2u);

        using var writer = GgufWriter.Create(file, metadata.Pairs, updates.SelectMany(u => u.Tensors.Select(t => (t.Name, TensorType.F32, t.Shape))));
        foreach (var update in updates)
            foreach (var (tensor, values) in update.Tensors.Zip(update.Read(folder, alpha))) writer.Write(tensor.Name, MemoryMarshal.AsBytes<float>(values));
        writer.Commit();
    }

    // llama.cpp takes an alpha of 0 for "not given".
    private static float Alpha(AdapterConfig config) => config is not LoraConfig { Alpha: not 0 } lora ? 1 : (float)lora.Alpha;

    private static ModelConfig ConfigOf(string model)
    {
        if (!model.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)) return ModelConfig.Load(Path.Combine(model, "config.json"));
        using var checkpoint = GgufCheckpoint.Open(model);
        return new ModelConfig(checkpoint.Config, model);
    }

    private static List<GgufAdapterUpdate> Updates(AdapterFolder folder, ModelConfig config, GgufArchitecture architecture)
    {
        var problems = new List<string>();
        var modules = new OrderedDictionary<string, (TensorInfo? A, TensorInfo? B)>(StringComparer.Ordinal);
        foreach (var t in folder.Weights.Tensors)
        {
            if (AdapterKeys.ToName(t.Name) is not { } name)
            {
                problems.Add($"'{t.Name}' is no key of PEFT");
                continue;
            }
            var (kind, module) = AdapterKeys.Parse(name);
            switch (kind)
            {
                case AdapterTensorKind.LoraA or AdapterTensorKind.EmbeddingA: modules[module] = (t, modules.GetValueOrDefault(module).B); break;
                case AdapterTensorKind.LoraB or AdapterTensorKind.EmbeddingB: modules[module] = (modules.GetValueOrDefault(module).A, t); break;
                case AdapterTensorKind.BaseCopy: break; // frozen: the base has it
                default: problems.Add($"'{t.Name}': the format has A and B of matrices alone"); break;
            }
        }
        var shapes = new GgufAdapterShapes(config);
        var updates = new List<GgufAdapterUpdate>();
        foreach (var (module, (a, b)) in modules)
        {
            if (a is null || b is null) problems.Add($"{module} has {(a is null ? "B, but no A" : "A, but no B")}");
            else if (GgufNames.FromHuggingFace(architecture, module + ".weight") is not { } name) problems.Add($"{module} has no place in GGUF's form of {config.ModelType}");
            else if (shapes.WhyNot(module, a, b) is { } why) problems.Add($"{module}: {why}");
            else updates.Add(new GgufAdapterUpdate(module, name, a, b, architecture.InterleavedHeads ? shapes.HeadRows(module) : 0));
        }
        if (problems.Count > 0) throw GgufAdapterLimits.Refused(folder.Path, problems);
        return updates.Count > 0 ? updates : throw new AdapterException(folder.Path, "it holds no tensors");
    }
}
