namespace LowRank.Models.Families;

/// <summary>The families that LowRank knows.</summary>
public static class ModelFamilies
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<IModelFamily> All { get; } =
    [
        new Gemma(), new Gemma2(), new Gemma3Text(), new Gpt2(), new Granite(), new Llama(), new Mistral(), new Mixtral(), new Olmo2(), new Phi3(), new Qwen2(), new Qwen3(), new Qwen3Moe(),
        new SmolLM3(), new StableLm(), new Starcoder2(),
    ];

    /// <summary>Whether there is a family of this <c>model_type</c>.</summary>
    public static bool Knows(string modelType) => All.Any(f => f.ModelType == modelType);

    /// <summary>The family of a configuration.</summary>
    /// <exception cref="ModelConfigException">The model type is not known; the message lists those that are.</exception>
    public static IModelFamily Of(ModelConfig config) => All.FirstOrDefault(f => f.ModelType == config.ModelType)
        ?? throw new ModelConfigException($"{config.Source}: the model type \"{config.ModelType}\" is not known. LowRank knows {string.Join(", ", All.Select(f => f.ModelType))}.");
}
