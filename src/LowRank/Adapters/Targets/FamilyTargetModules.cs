namespace LowRank.Adapters;

/// <summary>
/// The targets of a family where a configuration names none: PEFT 0.21's table
/// <c>TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING</c> and those of other kinds of adapters. A new family adds its line here.
/// </summary>
public static class FamilyTargetModules
{
    private static readonly ModulePattern QueryValue = ["q_proj", "v_proj"];
    private static readonly ModulePattern Fused = ["query_key_value"];
    private static readonly ModulePattern Bert = ["query", "value"];
    private static readonly ModulePattern KeyValueDown = ["k_proj", "v_proj", "down_proj"];
    private static readonly ModulePattern QueryValueDown = ["q_proj", "v_proj", "down_proj"];
    private static readonly ModulePattern FusedAndDown = ["query_key_value", "dense_4h_to_h"];

    private static readonly Dictionary<string, ModulePattern> Table = new(StringComparer.Ordinal)
    {
        ["t5"] = ["q", "v"],
        ["mt5"] = ["q", "v"],
        ["bart"] = QueryValue,
        ["gpt2"] = ["c_attn"],
        ["bloom"] = Fused,
        ["blip-2"] = ["q", "v", "q_proj", "v_proj"],
        ["opt"] = QueryValue,
        ["gptj"] = QueryValue,
        ["gpt_neox"] = Fused,
        ["gpt_neo"] = QueryValue,
        ["bert"] = Bert,
        ["roberta"] = Bert,
        ["xlm-roberta"] = Bert,
        ["electra"] = Bert,
        ["deberta-v2"] = ["query_proj", "value_proj"],
        ["deberta"] = ["in_proj"],
        ["layoutlm"] = Bert,
        ["llama"] = QueryValue,
        ["llama4"] = QueryValue,
        ["chatglm"] = Fused,
        ["gpt_bigcode"] = ["c_attn"],
        ["mpt"] = ["Wqkv"],
        ["RefinedWebModel"] = Fused,
        ["RefinedWeb"] = Fused,
        ["falcon"] = Fused,
        ["btlm"] = ["c_proj", "c_attn"],
        ["codegen"] = ["qkv_proj"],
        ["mistral"] = QueryValue,
        ["mixtral"] = QueryValue,
        ["stablelm"] = QueryValue,
        ["phi"] = ["q_proj", "v_proj", "fc1", "fc2"],
        ["gemma"] = QueryValue,
        ["gemma2"] = QueryValue,
        ["gemma3_text"] = QueryValue,
        ["gemma4"] = @".*language_model\..*\.(q_proj|v_proj)",
        ["qwen2"] = QueryValue,
        ["qwen3"] = QueryValue,
        ["nemotron_h"] = ["q_proj", "k_proj", "v_proj", "o_proj"],
        ["rwkv"] = ["key", "value", "receptance", "output"],
        ["rwkv7"] = ["r_proj", "k_proj", "v_proj", "o_proj", "key", "value"],
    };

    // Where AdaLoRA's table (TRANSFORMERS_MODELS_TO_ADALORA_TARGET_MODULES_MAPPING) says something else than LoRA's.
    private static readonly Dictionary<string, ModulePattern> AdaLoraTable = new(StringComparer.Ordinal)
    {
        ["t5"] = ["q", "k", "v", "o", "wi", "wo"],
        ["mt5"] = ["q", "k", "v", "o", "wi_0", "wi_1", "wo"],
        ["bart"] = ["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"],
        ["opt"] = ["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"],
        ["roberta"] = ["query", "key", "value", "dense"],
        ["deberta-v2"] = ["query_proj", "key_proj", "value_proj", "dense"],
    };

    // TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING.
    private static readonly Dictionary<string, ModulePattern> Ia3Table = new(StringComparer.Ordinal)
    {
        ["t5"] = ["k", "v", "wo"],
        ["mt5"] = ["k", "v", "wi_1"],
        ["gpt2"] = ["c_attn", "mlp.c_proj"],
        ["bloom"] = ["query_key_value", "mlp.dense_4h_to_h"],
        ["roberta"] = ["key", "value", "output.dense"],
        ["opt"] = ["q_proj", "k_proj", "fc2"],
        ["gptj"] = ["q_proj", "v_proj", "fc_out"],
        ["gpt_neox"] = FusedAndDown,
        ["gpt_neo"] = ["q_proj", "v_proj", "c_proj"],
        ["bart"] = ["q_proj", "v_proj", "fc2"],
        ["gpt_bigcode"] = ["c_attn", "mlp.c_proj"],
        ["llama"] = KeyValueDown,
        ["llama4"] = QueryValueDown,
        ["mistral"] = KeyValueDown,
        ["mixtral"] = ["k_proj", "v_proj", "w2"],
        ["bert"] = ["key", "value", "output.dense"],
        ["deberta-v2"] = ["key_proj", "value_proj", "output.dense"],
        ["deberta"] = ["in_proj", "output.dense"],
        ["RefinedWebModel"] = FusedAndDown,
        ["RefinedWeb"] = FusedAndDown,
        ["falcon"] = FusedAndDown,
        ["phi"] = ["q_proj", "v_proj", "fc2"],
        ["gemma"] = QueryValueDown,
        ["gemma2"] = QueryValueDown,
        ["gemma3_text"] = QueryValueDown,
        ["qwen2"] = QueryValueDown,
        ["qwen3"] = QueryValueDown,
    };

    // What (IA)³ scales the input of in any family of its table (TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING).
    private static readonly string[] FeedForward = ["wo", "mlp.c_proj", "c_proj", "mlp.dense_4h_to_h", "dense_4h_to_h", "output.dense", "fc2", "fc_out", "down_proj", "w2"];

    /// <summary>The <c>model_type</c>s that have default targets.</summary>
    public static IReadOnlyCollection<string> ModelTypes => Table.Keys;

    /// <summary>The default targets of a kind of adapter in a family; where PEFT's table of that kind has none, those of LoRA.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="modelType">The <c>model_type</c> of <c>config.json</c>.</param>
    internal static ModulePattern? For(AdapterKind kind, string modelType) => kind switch
    {
        AdapterKind.AdaLora => AdaLoraTable.GetValueOrDefault(modelType) ?? For(modelType),
        AdapterKind.Ia3 => Ia3Table.GetValueOrDefault(modelType) ?? For(modelType),
        _ => For(modelType),
    };

    /// <summary>Those of (IA)³'s default targets in a family whose inputs are scaled instead of their outputs, or null where it has no defaults.</summary>
    /// <param name="modelType">The <c>model_type</c> of <c>config.json</c>.</param>
    internal static ModulePattern? FeedForwardOfIa3(string modelType) =>
        Ia3Table.TryGetValue(modelType, out var targets) ? ModulePattern.FromNames([.. targets.Where(FeedForward.Contains)]) : null;

    /// <summary>The default targets of a family, or null where PEFT has none and <c>target_modules</c> has to be given.</summary>
    /// <param name="modelType">The <c>model_type</c> of <c>config.json</c>.</param>
    public static ModulePattern? For(string modelType) => Table.GetValueOrDefault(modelType);
}
