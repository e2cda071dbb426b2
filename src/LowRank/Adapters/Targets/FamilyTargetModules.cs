namespace LowRank.Adapters;

/// <summary>
/// The targets of a family where a configuration names none: PEFT 0.21's table
/// <c>TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING</c>. A new family adds its line here.
/// </summary>
public static class FamilyTargetModules
{
    private static readonly ModulePattern QueryValue = ["q_proj", "v_proj"];
    private static readonly ModulePattern Fused = ["query_key_value"];
    private static readonly ModulePattern Bert = ["query", "value"];

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

    /// <summary>The <c>model_type</c>s that have default targets.</summary>
    public static IReadOnlyCollection<string> ModelTypes => Table.Keys;

    /// <summary>The default targets of (IA)³ in a family (PEFT's <c>TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING</c>), or null where it has none.</summary>
    /// <param name="modelType">The <c>model_type</c> of <c>config.json</c>.</param>
    internal static ModulePattern? ForIa3(string? modelType) => modelType switch
    {
        "llama" or "mistral" => ["k_proj", "v_proj", "down_proj"],
        "mixtral" => ["k_proj", "v_proj", "w2"],
        "gemma" or "gemma2" or "gemma3_text" or "qwen2" or "qwen3" or "llama4" => ["q_proj", "v_proj", "down_proj"],
        "phi" => ["q_proj", "v_proj", "fc2"],
        "gpt2" or "gpt_bigcode" => ["c_attn", "mlp.c_proj"],
        _ => null,
    };

    /// <summary>The default targets of a family, or null where PEFT has none and <c>target_modules</c> has to be given.</summary>
    /// <param name="modelType">The <c>model_type</c> of <c>config.json</c>.</param>
    public static ModulePattern? For(string modelType) => Table.GetValueOrDefault(modelType);
}
