namespace LowRank.Adapters;

/// <summary>
/// The fields of PEFT 0.21's <c>adapter_config.json</c> that have no property of <see cref="LoraConfig"/>, with their default as JSON.
/// </summary>
internal static class PeftFields
{
    /// <summary>The version of PEFT whose form of the file is written.</summary>
    public const string Version = "0.21.2";

    /// <summary>Fields without an effect on what the adapter computes: any value is kept.</summary>
    public static IReadOnlyDictionary<string, string> WithoutEffect { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["auto_mapping"] = "null",
        ["inference_mode"] = "true",
        ["megatron_core"] = "\"megatron.core\"",
        ["peft_type"] = "\"LORA\"",
        ["peft_version"] = $"\"{Version}\"",
        ["qalora_group_size"] = "16",
        ["revision"] = "null",
    };

    /// <summary>Fields that change what the adapter is and are not built: only their default is taken. The text says what they ask for.</summary>
    public static IReadOnlyDictionary<string, (string Default, string Meaning)> NotSupported { get; } = new Dictionary<string, (string, string)>(StringComparer.Ordinal)
    {
        ["alora_invocation_tokens"] = ("null", "activated LoRA"),
        ["arrow_config"] = ("null", "Arrow routing"),
        ["corda_config"] = ("null", "CorDA initialization"),
        ["eva_config"] = ("null", "EVA initialization"),
        ["kasa_config"] = ("null", "KaSA"),
        ["layer_replication"] = ("null", "layer replication"),
        ["loftq_config"] = ("{}", "LoftQ initialization"),
        ["lora_ga_config"] = ("null", "LoRA-GA initialization"),
        ["megatron_config"] = ("null", "Megatron layers"),
        ["monteclora_config"] = ("null", "MonteCLoRA"),
        ["target_parameters"] = ("null", "LoRA on parameters that are no layer's weight (experts)"),
        ["trainable_token_indices"] = ("null", "trainable tokens"),
        ["use_bdlora"] = ("null", "block-diagonal LoRA"),
        ["use_dora"] = ("false", "DoRA"),
        ["use_qalora"] = ("false", "QALoRA"),
        ["velora_config"] = ("null", "VeLoRA"),
    };
}
