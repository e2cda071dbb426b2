namespace LowRank.Adapters;

/// <summary>What a module is, as far as adapters care.</summary>
public enum ModuleKind
{
    /// <summary>A linear layer with a weight of [out, in].</summary>
    Linear,

    /// <summary>A token embedding with a weight of [vocabulary, width].</summary>
    Embedding,

    /// <summary>The linear layer that gives the logits, which <c>all-linear</c> leaves out.</summary>
    Head,

    /// <summary>GPT-2's linear layer with a weight of [in, out].</summary>
    Conv1D,

    /// <summary>A module that cannot be adapted but can be saved whole, such as a norm.</summary>
    Other,

    /// <summary>The router of a mixture of experts, a weight of [experts, in]: <c>all-linear</c> and presets leave it out.</summary>
    Router,

    /// <summary>A linear layer of one expert with a weight of [out, in]: <c>all-linear</c> and presets leave it out; by name it is adapted as PEFT did before <c>target_parameters</c>.</summary>
    Expert,

    /// <summary>A parameter of all experts of a layer together, a weight of [experts, out, in], as transformers 5 holds them: only <c>target_parameters</c> chooses it. Its rows are those of the experts' own layers.</summary>
    Experts,
}
