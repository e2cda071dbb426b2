using System.Text.Json.Nodes;
using LowRank.Models.Families;
using LowRank.Quantization;

namespace LowRank.Models.Checkpoints;

/// <summary>The <c>quantization_config</c> of a checkpoint: how its weights are stored.</summary>
internal static class QuantizationConfig
{
    /// <summary>Whether the checkpoint holds weights in bitsandbytes' 4-bit form.</summary>
    /// <exception cref="ModelConfigException">It is quantized in a way that LowRank does not read.</exception>
    public static bool IsFourBit(ModelConfig config)
    {
        if (config.Object("quantization_config") is not { } quantization) return false;
        var method = config.Text(quantization, "quant_method") ?? (Flag(quantization, "load_in_4bit") || Flag(quantization, "load_in_8bit") ? "bitsandbytes" : "of no name");
        if (method != "bitsandbytes")
            throw new ModelConfigException($"{config.Source}: the checkpoint is quantized by the method {method}; LowRank reads bitsandbytes 4-bit and unquantized checkpoints. Take the model's unquantized form, and --method qlora quantizes it while loading.");
        if (Flag(quantization, "load_in_8bit"))
            throw new ModelConfigException($"{config.Source}: the checkpoint is in bitsandbytes' 8-bit form, which LowRank does not read. Take the model's unquantized or 4-bit form.");
        return Flag(quantization, "load_in_4bit");
    }

    /// <summary>The section that transformers writes for a checkpoint in 4 bits.</summary>
    /// <param name="options">The form.</param>
    /// <param name="computeType">The dtype of products that the checkpoint proposes, as torch names it.</param>
    public static JsonObject Of(FourBitOptions options, string computeType) => new()
    {
        ["_load_in_4bit"] = true,
        ["_load_in_8bit"] = false,
        ["bnb_4bit_compute_dtype"] = computeType,
        ["bnb_4bit_quant_storage"] = "uint8",
        ["bnb_4bit_quant_type"] = options.TypeName,
        ["bnb_4bit_use_double_quant"] = options.DoubleQuantization,
        ["llm_int8_enable_fp32_cpu_offload"] = false,
        ["llm_int8_has_fp16_weight"] = false,
        // Without a list transformers keeps the head by itself; with one it must be named too.
        ["llm_int8_skip_modules"] = options.Skip.Count == 0 ? null : new JsonArray([.. options.Skip.Append("lm_head").Distinct().Select(s => (JsonNode)s)]),
        ["llm_int8_threshold"] = JsonNode.Parse("6.0"), // as Python writes a float
        ["load_in_4bit"] = true,
        ["load_in_8bit"] = false,
        ["quant_method"] = "bitsandbytes",
    };

    private static bool Flag(JsonObject json, string key) => json[key] is JsonValue v && v.TryGetValue<bool>(out var set) && set;
}
