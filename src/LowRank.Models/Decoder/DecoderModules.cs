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
            var parameters = spec.ExpertParametersOf(i).SelectMany(p => p.Parts.SelectMany(part => Enumerable.Range(0, spec.Experts!.Count).Select(e => (Part: names.ExpertName(e, part), p.Name))))
                .ToDictionary(p => p.Part, p => spec.Within(i, p.Name), StringComparer.Ordinal);
            var linears = spec.LinearsOf(i).ToList();
            modules.AddRange(linears.Select(l => new AdaptableModule(spec.Within(i, l.Name), KindOf(l, spec), l.InFeatures, l.OutFeatures, l.HasBias)
            {
                PartOf = parameters.GetValueOrDefault(l.Name),
                ParameterHolder = l.Role == LinearRole.Router ? spec.Within(i, names.RouterHolder) : null,
            }));
            modules.AddRange(spec.ExpertParametersOf(i).Select(p =>
            {
                var first = p.Parts.Select(part => linears.First(l => l.Name == names.ExpertName(0, part))).ToList();
                return new AdaptableModule(spec.Within(i, p.Name), ModuleKind.Experts, first[0].InFeatures, first.Sum(l => l.OutFeatures), false) { Experts = spec.Experts!.Count };
            }));
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
