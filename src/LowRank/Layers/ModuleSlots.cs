using LowRank.Adapters;
using LowRank.Adapters.Many;
using LowRank.Adapters.Tokens;

namespace LowRank.Layers;

/// <summary>What adapters need to know of a model's slots.</summary>
public static class ModuleSlots
{
    /// <summary>Describes the slots for <see cref="TargetMatcher"/>; a head over the token table's own weight is told as tied to it.</summary>
    public static IReadOnlyList<AdaptableModule> Describe(this IReadOnlyList<ModuleSlot> slots)
    {
        var table = slots.OfType<EmbeddingSlot>().FirstOrDefault(s => s.Module is FrozenEmbedding);
        var parameters = new Dictionary<ModuleSlot, string>();
        foreach (var experts in slots.OfType<ExpertsSlot>())
            foreach (var part in experts.Experts.SelectMany(e => e)) parameters[part] = experts.Name;
        return [.. slots.Select(s => s switch
        {
            LinearSlot linear => new AdaptableModule(s.Name, KindOf(linear), linear.Module.InFeatures, linear.Module.OutFeatures, linear.Module is FrozenLinear { HasBias: true })
            {
                TiedTo = table?.Module is FrozenEmbedding e && linear.Module is FrozenLinear f && ReferenceEquals(e.Weight, f.Weight) ? table.Name : null,
                PartOf = parameters.GetValueOrDefault(s),
                ParameterHolder = linear.ParameterHolder,
            },
            ExpertsSlot experts => new AdaptableModule(s.Name, ModuleKind.Experts, experts.Experts[0][0].Module.InFeatures, experts.Experts[0].Sum(p => p.Module.OutFeatures), false) { Experts = experts.Experts.Count },
            EmbeddingSlot embedding => new AdaptableModule(s.Name, ModuleKind.Embedding, embedding.Module.Rows, embedding.Module.Features, false),
            NormSlot norm => new AdaptableModule(s.Name, ModuleKind.Other, 0, norm.Module.Weight.shape[0], norm.Module.HasBias),
            _ => new AdaptableModule(s.Name, ModuleKind.Other, 0, 0, false),
        })];
    }

    private static ModuleKind KindOf(LinearSlot slot) => slot.Role switch
    {
        LinearRole.Head => ModuleKind.Head,
        LinearRole.Router => ModuleKind.Router,
        LinearRole.Expert => ModuleKind.Expert,
        _ => slot.Module is FrozenLinear { IsTransposed: true } ? ModuleKind.Conv1D : ModuleKind.Linear,
    };

    /// <summary>The base layer in a slot, under whatever stands there.</summary>
    /// <exception cref="InvalidOperationException">The slot holds a layer without a frozen base (full fine-tuning).</exception>
    public static FrozenLinear FrozenBase(this LinearSlot slot) => slot.Module switch
    {
        FrozenLinear frozen => frozen,
        AdaptedLinear adapted => adapted.Frozen,
        TokenHead head => head.Frozen,
        ManyAdaptersLinear many => many.Frozen,
        TrainedLinear { Replaced: FrozenLinear frozen } => frozen,
        _ => throw new InvalidOperationException($"{slot.Name} has no frozen base."),
    };

    /// <summary>The base table in a slot, under whatever stands there.</summary>
    /// <exception cref="InvalidOperationException">The slot holds a table without a frozen base (full fine-tuning).</exception>
    public static FrozenEmbedding FrozenBase(this EmbeddingSlot slot) => slot.Module switch
    {
        FrozenEmbedding frozen => frozen,
        AdaptedEmbedding adapted => adapted.Frozen,
        TokenEmbedding table => table.Frozen,
        TrainedEmbedding { Replaced: FrozenEmbedding frozen } => frozen,
        _ => throw new InvalidOperationException($"{slot.Name} has no frozen base."),
    };
}
