namespace LowRank.Adapters.Initialization;

/// <summary>
/// An adapter that started from a part of the weight, seen as a plain LoRA for the unchanged base (PEFT's <c>path_initial_model_for_weight_conversion</c>): A and B have the initial
/// matrices beside them, so that every rank is doubled, and every alpha grows so that the scaling stays.
/// </summary>
internal static class LoraConversion
{
    /// <summary>The configuration of the plain LoRA.</summary>
    public static LoraConfig Of(LoraConfig config)
    {
        // alpha / r and alpha / √r with twice the rank. PEFT doubles the alphas of patterns with rsLoRA too, which would change their scaling, and refuses to convert these.
        var growth = config.UseRslora ? Math.Sqrt(2) : 2;
        return config with
        {
            Rank = 2 * config.Rank,
            Alpha = growth * config.Alpha,
            RankPattern = new(config.RankPattern.Select(p => KeyValuePair.Create(p.Key, 2 * p.Value))),
            AlphaPattern = new(config.AlphaPattern.Select(p => KeyValuePair.Create(p.Key, growth * p.Value))),
            Initialization = LoraInitialization.KaimingUniform,
            PissaIterations = null,
        };
    }

    /// <summary>What a person should know who loads an adapter that was not converted; null for any other.</summary>
    public static string? Warning(AdapterConfig config, string folder) => config is not LoraConfig { StartsFromWeight: true } lora ? null
        : $"{folder} says init_lora_weights \"{InitializationName.Of(lora)}\": it was saved without its conversion to a plain LoRA, and belongs on the base less what it started from. "
        + (lora.PissaIterations is null ? "That was computed from this base again. " : "That came from random numbers; it was computed again with others, which comes close only with many iterations. ")
        + "What is saved of it here is converted and needs no such computation.";

    /// <summary>Refuses an adapter that was not converted where its base is not at hand.</summary>
    /// <exception cref="AdapterException">It was not converted.</exception>
    public static void Require(AdapterConfig config, string folder)
    {
        if (config is not LoraConfig { StartsFromWeight: true } lora) return;
        throw new AdapterException(folder, $"its init_lora_weights is \"{InitializationName.Of(lora)}\", so its matrices belong on the base less what they started from, not on the base itself. "
            + "Convert it to a plain LoRA first: load it over its base with LanguageModel.LoadAdapter and save it with AttachedAdapter.Save, or save it with PEFT's path_initial_model_for_weight_conversion.");
    }
}
