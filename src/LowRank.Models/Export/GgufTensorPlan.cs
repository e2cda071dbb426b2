using LowRank.Formats;
using LowRank.Models.Families;

namespace LowRank.Models.Export;

/// <summary>Which tensors a GGUF file of a model has, in the order of llama.cpp's converter: made ones first, then those of the checkpoint in its order.</summary>
internal static class GgufTensorPlan
{
    private const int ShownNames = 8;

    /// <summary>Plans the file.</summary>
    /// <param name="tensors">The weights under Hugging Face's names.</param>
    /// <param name="config">The configuration.</param>
    /// <param name="architecture">Names and changes.</param>
    /// <param name="description">Heads, layers, made tensors.</param>
    /// <param name="fileType">What the file is made of.</param>
    /// <exception cref="LowRankException">Tensors are missing, not known, or of a width that the type does not allow; all are listed.</exception>
    public static IReadOnlyList<PlannedTensor> Of(ITensorSource tensors, ModelConfig config, GgufArchitecture architecture, GgufModelDescription description, GgufFileType fileType)
    {
        var tied = config.Flag("tie_word_embeddings") ?? architecture.NormsPlusOne; // Gemma is tied where nothing is said
        var planned = new List<PlannedTensor>();
        List<string> unknown = [], unfit = [];
        var mixture = new GgufMixture(fileType, description.Layers, hasOutput: !tied, sharesValueHeads: description.Heads != description.ValueHeads);
        foreach (var (name, values) in description.MadeTensors) planned.Add(new PlannedTensor(name, TensorType.F32, [values.Length]) { Values = values });
        foreach (var t in tensors.Tensors)
        {
            // A head that is the embedding is not stored twice; frequencies follow from the configuration.
            if (tied && t.Name == "lm_head.weight" || t.Name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal)) continue;
            if (GgufNames.FromHuggingFace(architecture, t.Name) is not { } name) unknown.Add(t.Name);
            else if (t.Type is not (TensorType.F32 or TensorType.F16 or TensorType.BF16)) unfit.Add($"'{t.Name}' is {t.Type}; F32, F16 and BF16 are exported");
            else if (t.Shape.Length is 0 or > 2) unfit.Add($"'{t.Name}' has the shape {t.ShapeText}; a vector or matrix is needed");
            else
                try
                {
                    planned.Add(new PlannedTensor(name, mixture.TypeOf(name, t.Shape), t.Shape)
                    {
                        Source = t,
                        HeadRows = architecture.InterleavedHeads && GgufNames.IsQuery(name) is { } query ? HeadRows(t, query ? description.Heads : description.ValueHeads) : 0,
                        PlusOne = architecture.NormsPlusOne && GgufNames.IsNorm(name),
                    });
                }
                catch (NotSupportedException error)
                {
                    unfit.Add(error.Message);
                }
        }
        if (unknown.Count > 0) throw new LowRankException($"{config.Source}: GGUF's form of {config.ModelType} has no place for these tensors: {Listed(unknown)}.");
        if (unfit.Count > 0) throw new LowRankException($"{config.Source}: this model cannot be written as {fileType}: {Listed(unfit)}. Nothing was written; f16, bf16 and f32 hold every width.");
        var missing = Needed(architecture, description.Layers, tied).Except(planned.Select(p => p.Name), StringComparer.Ordinal).ToList();
        if (missing.Count > 0) throw new LowRankException($"{config.Source}: the checkpoint lacks tensors that a GGUF file needs: {Listed(missing)}.");
        return planned;
    }

    private static long HeadRows(TensorInfo t, long heads) => heads > 0 && t.Shape[0] % (2 * heads) == 0 ? t.Shape[0] / heads
        : throw new NotSupportedException($"'{t.Name}' of shape {t.ShapeText} does not divide into {heads} heads of two halves");

    private static IEnumerable<string> Needed(GgufArchitecture architecture, long layers, bool tied)
    {
        yield return GgufNames.Embedding;
        yield return "output_norm.weight";
        if (!tied) yield return GgufNames.Output;
        for (long i = 0; i < layers; i++)
            foreach (var name in architecture.LayerNames.Keys) yield return $"blk.{i}.{name}.weight";
    }

    private static string Listed(List<string> all) => string.Join("; ", all.Take(ShownNames)) + (all.Count > ShownNames ? $"; and {all.Count - ShownNames} more" : "");
}
