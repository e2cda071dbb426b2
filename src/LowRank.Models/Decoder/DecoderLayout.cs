using System.Globalization;
using LowRank.Layers;

namespace LowRank.Models.Decoder;

/// <summary>The modules of a decoder that follow from its spec: the one place from which the model is built, its sizes are counted, and its matrices are found to be quantized.</summary>
internal static class DecoderLayout
{
    /// <summary>The full name of a module of a layer.</summary>
    public static string Within(this DecoderSpec spec, int layer, string name) => $"{Filled(spec.Names.Layer, layer)}.{name}";

    /// <summary>The name of a layer of an expert, within a layer of the model.</summary>
    public static string ExpertName(this DecoderNames names, int expert, string name) => $"{Filled(names.Expert, expert)}.{name}";

    /// <summary>Whether this layer has experts.</summary>
    public static bool HasExperts(this DecoderSpec spec, int layer) => spec.Experts is not null && spec.ExpertLayers[layer];

    /// <summary>The linear layers of a layer, in the order of its slots.</summary>
    public static IEnumerable<DecoderLinear> LinearsOf(this DecoderSpec spec, int layer)
    {
        var names = spec.Names;
        long hidden = spec.HiddenSize, queries = spec.Heads * spec.HeadSize, keys = spec.KeyValueHeads * spec.HeadSize;
        if (spec.FusedQueryKeyValue) yield return new(names.QueryKeyValue, queries + 2 * keys, hidden, spec.QueryKeyValueBias);
        else
        {
            yield return new(names.Query, queries, hidden, spec.QueryKeyValueBias);
            yield return new(names.Key, keys, hidden, spec.QueryKeyValueBias);
            yield return new(names.Value, keys, hidden, spec.QueryKeyValueBias);
        }
        yield return new(names.AttentionOutput, hidden, queries, spec.AttentionOutputBias);
        if (!spec.HasExperts(layer))
        {
            if (spec.FusedGateUp) yield return new(names.GateUp, 2 * spec.IntermediateSize, hidden, spec.MlpBias);
            else
            {
                if (spec.GatedMlp) yield return new(names.Gate, spec.IntermediateSize, hidden, spec.MlpBias);
                yield return new(names.Up, spec.IntermediateSize, hidden, spec.MlpBias);
            }
            yield return new(names.Down, hidden, spec.IntermediateSize, spec.MlpBias);
            yield break;
        }
        var experts = spec.Experts!;
        yield return new(names.Router, experts.Count, hidden, false, LinearRole.Router);
        for (var i = 0; i < experts.Count; i++)
        {
            yield return new(names.ExpertName(i, names.ExpertGate), experts.IntermediateSize, hidden, false, LinearRole.Expert);
            yield return new(names.ExpertName(i, names.ExpertUp), experts.IntermediateSize, hidden, false, LinearRole.Expert);
            yield return new(names.ExpertName(i, names.ExpertDown), hidden, experts.IntermediateSize, false, LinearRole.Expert);
        }
    }

    /// <summary>The parameters that hold the matrices of all experts of a layer together in transformers 5, names within it, and for each the matrices of an expert that stand in it one below another.</summary>
    public static IEnumerable<(string Name, string[] Parts)> ExpertParametersOf(this DecoderSpec spec, int layer)
    {
        if (!spec.HasExperts(layer)) yield break;
        yield return (spec.Names.ExpertsGateUp, [spec.Names.ExpertGate, spec.Names.ExpertUp]);
        yield return (spec.Names.ExpertsDown, [spec.Names.ExpertDown]);
    }

    /// <summary>The norms of a layer, names within it and elements, in the order of its slots.</summary>
    public static IEnumerable<(string Name, long Features)> NormsOf(this DecoderSpec spec)
    {
        var names = spec.Names;
        if (spec.QueryKeyNorm != QueryKeyNorm.None)
        {
            var isEach = spec.QueryKeyNorm == QueryKeyNorm.EachHead;
            yield return (names.QueryNorm, isEach ? spec.HeadSize : spec.Heads * spec.HeadSize);
            yield return (names.KeyNorm, isEach ? spec.HeadSize : spec.KeyValueHeads * spec.HeadSize);
        }
        if (spec.NormPlacement != NormPlacement.After) yield return (names.NormBeforeAttention, spec.HiddenSize);
        if (spec.NormPlacement != NormPlacement.Before) yield return (names.NormAfterAttention, spec.HiddenSize);
        if (spec.NormPlacement != NormPlacement.After) yield return (names.NormBeforeMlp, spec.HiddenSize);
        if (spec.NormPlacement != NormPlacement.Before) yield return (names.NormAfterMlp, spec.HiddenSize);
    }

    /// <summary>The full names of the matrices of all layers: what is quantized. A router is not.</summary>
    public static IEnumerable<string> Matrices(this DecoderSpec spec) =>
        Enumerable.Range(0, spec.Layers).SelectMany(i => spec.LinearsOf(i).Where(l => l.Role != LinearRole.Router).Select(l => spec.Within(i, l.Name)));

    private static string Filled(string pattern, int number) => string.Format(CultureInfo.InvariantCulture, pattern, number);
}
