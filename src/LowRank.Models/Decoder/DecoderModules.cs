using LowRank.Adapters;
using LowRank.Layers;

namespace LowRank.Models.Decoder;

/// <summary>The modules of a decoder as adapters see them, from its description alone.</summary>
internal static class DecoderModules
{
    /// <summary>All modules, in the order of <see cref="CausalLM.Slots"/>.</summary>
    public static IReadOnlyList<AdaptableModule> Of(DecoderSpec spec)
    {
        var names = spec.Names;
        var modules = new List<AdaptableModule> { new(names.Embedding, ModuleKind.Embedding, spec.VocabularySize, spec.HiddenSize, false) };
        if (spec.LearnedPositions) modules.Add(new(names.Positions, ModuleKind.Embedding, spec.MaxPositions, spec.HiddenSize, false));
        for (var i = 0; i < spec.Layers; i++)
        {
            modules.AddRange(spec.LinearsOf(i).Select(l => new AdaptableModule(spec.Within(i, l.Name), KindOf(l, spec), l.InFeatures, l.OutFeatures, l.HasBias)));
            modules.AddRange(spec.NormsOf().Select(n => new AdaptableModule(spec.Within(i, n.Name), ModuleKind.Other, 0, n.Features, spec.Norm == NormKind.Layer)));
        }
        modules.Add(new(names.FinalNorm, ModuleKind.Other, 0, spec.HiddenSize, spec.Norm == NormKind.Layer));
        modules.Add(new(names.Head, ModuleKind.Head, spec.HiddenSize, spec.VocabularySize, false) { TiedTo = spec.TiedHead ? names.Embedding : null });
        return modules;
    }

    private static ModuleKind KindOf(DecoderLinear linear, DecoderSpec spec) => linear.Role switch
    {
        LinearRole.Router => ModuleKind.Router,
        LinearRole.Expert => ModuleKind.Expert,
        _ => spec.TransposedWeights ? ModuleKind.Conv1D : ModuleKind.Linear,
    };
}
