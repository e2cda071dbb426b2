namespace LowRank.Adapters;

/// <summary>
/// The fields of PEFT 0.21's <c>adapter_config.json</c> of one kind that have no property of its configuration, with their default as JSON.
/// </summary>
internal sealed class PeftFields
{
    /// <summary>The version of PEFT whose form of the file is written.</summary>
    public const string Version = "0.21.2";

    private static readonly (AdapterKind Kind, string Name)[] Types = [(AdapterKind.Lora, "LORA"), (AdapterKind.AdaLora, "ADALORA"), (AdapterKind.Miss, "MISS"), (AdapterKind.Ia3, "IA3")];

    private static readonly Dictionary<string, (string Default, string Meaning)> LoraNotSupported = new(StringComparer.Ordinal)
    {
        ["alora_invocation_tokens"] = ("null", "activated LoRA"),
        ["arrow_config"] = ("null", "Arrow routing"),
        ["corda_config"] = ("null", "CorDA initialization"),
        ["kasa_config"] = ("null", "KaSA"),
        ["layer_replication"] = ("null", "layer replication"),
        ["loftq_config"] = ("{}", "LoftQ initialization"),
        ["lora_ga_config"] = ("null", "LoRA-GA initialization"),
        ["megatron_config"] = ("null", "Megatron layers"),
        ["monteclora_config"] = ("null", "MonteCLoRA"),
        ["use_bdlora"] = ("null", "block-diagonal LoRA"),
        ["use_qalora"] = ("false", "QALoRA"),
        ["velora_config"] = ("null", "VeLoRA"),
    };

    private static readonly PeftFields[] All =
    [
        new(AdapterKind.Lora, new() { ["megatron_core"] = "\"megatron.core\"", ["qalora_group_size"] = "16" }, LoraNotSupported),
        // PEFT's AdaLoRA has all fields of LoRA; of these r says nothing.
        new(AdapterKind.AdaLora, new() { ["megatron_core"] = "\"megatron.core\"", ["qalora_group_size"] = "16", ["r"] = "8", ["init_lora_weights"] = "true" }, new(LoraNotSupported, StringComparer.Ordinal)
        {
            ["alpha_pattern"] = ("{}", "an alpha for single modules of AdaLoRA"),
            ["ensure_weight_tying"] = ("false", "AdaLoRA on tied weights"),
            ["eva_config"] = ("null", "EVA initialization"),
            ["lora_bias"] = ("false", "a bias of B in AdaLoRA"),
            ["target_parameters"] = ("null", "AdaLoRA on the parameters of experts"),
            ["trainable_token_indices"] = ("null", "trainable tokens beside AdaLoRA"),
            ["use_dora"] = ("false", "DoRA in AdaLoRA"),
            ["use_rslora"] = ("false", "rank-stabilized scaling in AdaLoRA"),
        }),
        new(AdapterKind.Miss, [], []),
        new(AdapterKind.Ia3, [], []),
    ];

    private PeftFields(AdapterKind kind, Dictionary<string, string> withoutEffect, Dictionary<string, (string, string)> notSupported)
    {
        Kind = kind;
        WithoutEffect = new Dictionary<string, string>(withoutEffect, StringComparer.Ordinal)
        {
            ["auto_mapping"] = "null",
            ["inference_mode"] = "true",
            ["peft_type"] = $"\"{NameOf(kind)}\"",
            ["peft_version"] = $"\"{Version}\"",
            ["revision"] = "null",
        };
        NotSupported = notSupported;
    }

    /// <summary>The names of all kinds that are built, as <c>peft_type</c> has them.</summary>
    public static IEnumerable<string> Names => Types.Select(t => t.Name);

    /// <summary>The kind.</summary>
    public AdapterKind Kind { get; }

    /// <summary>Fields without an effect on what the adapter computes: any value is kept.</summary>
    public IReadOnlyDictionary<string, string> WithoutEffect { get; }

    /// <summary>Fields that change what the adapter is and are not built: only their default is taken. The text says what they ask for.</summary>
    public IReadOnlyDictionary<string, (string Default, string Meaning)> NotSupported { get; }

    /// <summary>The fields of a kind.</summary>
    public static PeftFields Of(AdapterKind kind) => All.Single(f => f.Kind == kind);

    /// <summary>A kind's <c>peft_type</c>.</summary>
    public static string NameOf(AdapterKind kind) => Types.Single(t => t.Kind == kind).Name;

    /// <summary>The kind of a <c>peft_type</c>, or null for one that is not built.</summary>
    public static AdapterKind? KindOf(string name) => Array.Find(Types, t => t.Name == name) is { Name: not null } found ? found.Kind : null;
}
