namespace LowRank.Adapters;

/// <summary>A module of a base model as adapters see it: what they can be put on or saved with.</summary>
/// <param name="Name">The dotted name in the base model, such as <c>model.layers.0.self_attn.q_proj</c>.</param>
/// <param name="Kind">What the module is.</param>
/// <param name="InFeatures">The width of its input; for an embedding the number of tokens. 0 for <see cref="ModuleKind.Other"/>.</param>
/// <param name="OutFeatures">The width of its output; for <see cref="ModuleKind.Other"/> the length of its weight vector (a norm's), or 0 where it has none.</param>
/// <param name="HasBias">Whether it has a bias.</param>
public sealed record AdaptableModule(string Name, ModuleKind Kind, long InFeatures, long OutFeatures, bool HasBias)
{
    /// <summary>The name of the module whose weight this one shares (the embedding, for a tied head), or null.</summary>
    public string? TiedTo { get; init; }

    /// <summary>How many experts a parameter of all experts together holds; 0 for other modules.</summary>
    public int Experts { get; init; }

    /// <summary>The parameter of all experts together that this expert's weight stands in, by its name; null for a module of no expert.</summary>
    public string? PartOf { get; init; }

    /// <summary>The name of the module that holds its parameter in transformers 5, where that is another than its name in the checkpoint; else null.</summary>
    public string? ParameterHolder { get; init; }

    /// <summary>The name of its weight as <c>target_parameters</c> matches it.</summary>
    internal string ParameterName => Kind == ModuleKind.Experts ? Name : $"{ParameterHolder ?? Name}.weight";

    /// <summary>Whether the module is multiplied with its input: everything but embeddings and <see cref="ModuleKind.Other"/>.</summary>
    internal bool IsLinear => Kind is ModuleKind.Linear or ModuleKind.Head or ModuleKind.Conv1D or ModuleKind.Router or ModuleKind.Expert;

    /// <summary>Whether <c>all-linear</c> and presets may choose it: a linear layer that is no head and of no mixture of experts.</summary>
    internal bool IsInAllLinear => Kind is ModuleKind.Linear or ModuleKind.Conv1D;

    /// <summary>The last part of the name.</summary>
    internal string ShortName => Name[(Name.LastIndexOf('.') + 1)..];

    /// <summary>The names that the matrices of a model's experts end in; none without experts.</summary>
    internal static HashSet<string> ExpertNames(IEnumerable<AdaptableModule> modules) => [.. modules.Where(m => m.Kind == ModuleKind.Expert).Select(m => m.ShortName)];

    /// <summary>The shape of its weight as stored, or null where it has none.</summary>
    internal long[]? WeightShape => Kind switch
    {
        ModuleKind.Linear or ModuleKind.Head or ModuleKind.Router or ModuleKind.Expert => [OutFeatures, InFeatures],
        ModuleKind.Experts => [Experts, OutFeatures, InFeatures],
        ModuleKind.Conv1D or ModuleKind.Embedding => [InFeatures, OutFeatures],
        _ => OutFeatures > 0 ? [OutFeatures] : null,
    };
}
