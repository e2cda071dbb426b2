using LowRank.Formats;
using LowRank.Models.Families;

namespace LowRank.Models.Export;

/// <summary>The shapes of a model's matrices by its configuration, to tell an adapter of another model.</summary>
internal sealed class GgufAdapterShapes(ModelConfig config)
{
    private readonly long hidden = config.Require("hidden_size"), inner = config.Require("intermediate_size"), vocabulary = config.Require("vocab_size"), heads = config.Require("num_attention_heads"),
        valueHeads = config.Integer("num_key_value_heads") ?? config.Require("num_attention_heads"),
        headSize = config.Integer("head_dim") ?? config.ModelType switch { "gemma2" or "gemma3_text" => 256, "qwen3" => 128, _ => config.Require("hidden_size") / config.Require("num_attention_heads") };

    private readonly bool tied = config.Flag("tie_word_embeddings") ?? config.ModelType is "gemma2" or "gemma3_text";

    /// <summary>Why an update cannot be written, or null where it can.</summary>
    /// <param name="module">The module's name in the base.</param>
    /// <param name="a">A, <c>[rank, in]</c>.</param>
    /// <param name="b">B, <c>[out, rank]</c>.</param>
    public string? WhyNot(string module, TensorInfo a, TensorInfo b)
    {
        var last = module[(module.LastIndexOf('.') + 1)..];
        if (tied && (last is "embed_tokens" or "lm_head")) return "embedding and head of the base are one matrix in GGUF, so an update of one would be one of both";
        if (a.Shape is not [var rank, var width] || b.Shape is not [var height, var sameRank] || rank != sameRank || rank == 0)
            return $"A is {a.ShapeText} and B {b.ShapeText}; [rank, in] and [out, rank] are needed";
        foreach (var t in (ReadOnlySpan<TensorInfo>)[a, b])
            if (t.Type is not (TensorType.F32 or TensorType.F16 or TensorType.BF16)) return $"'{t.Name}' is {t.Type}; F32, F16 and BF16 are read";
        var (columns, rows) = last switch
        {
            "q_proj" => (hidden, heads * headSize),
            "k_proj" or "v_proj" => (hidden, valueHeads * headSize),
            "qkv_proj" => (hidden, (heads + 2 * valueHeads) * headSize),
            "o_proj" => (heads * headSize, hidden),
            "gate_proj" or "up_proj" => (hidden, inner),
            "gate_up_proj" => (hidden, 2 * inner),
            "down_proj" => (inner, hidden),
            "embed_tokens" => (vocabulary, hidden),
            "lm_head" => (hidden, vocabulary),
            _ => (width, height),
        };
        return (width, height) == (columns, rows) ? null : $"the update is [{height}, {width}], but the matrix of {config.Source} is [{rows}, {columns}]: the adapter is one of another model";
    }

    /// <summary>Rows of a head whose halves are interleaved in GGUF, or 0.</summary>
    public long HeadRows(string module) => module.EndsWith(".q_proj", StringComparison.Ordinal) || module.EndsWith(".k_proj", StringComparison.Ordinal) ? headSize : 0;
}
