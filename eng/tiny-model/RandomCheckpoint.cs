using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using LowRank.Formats;

namespace TinyModel;

/// <summary>Writes a Llama of random weights in bf16 as a Hugging Face folder.</summary>
internal static class RandomCheckpoint
{
    private const int Hidden = 128, Inner = 352, Layers = 4, Heads = 4, KeyValueHeads = 4, Positions = 512;

    private const string ChatTemplate =
        "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

    /// <summary>Writes <c>config.json</c>, <c>tokenizer.json</c>, <c>tokenizer_config.json</c> and <c>model.safetensors</c>.</summary>
    public static void Write(string folder, JsonObject tokenizer, int seed)
    {
        Directory.CreateDirectory(folder);
        var vocabulary = tokenizer["model"]!["vocab"]!.AsObject().Count;
        Save(Path.Combine(folder, "tokenizer.json"), tokenizer);
        Save(Path.Combine(folder, "tokenizer_config.json"), new JsonObject
        {
            ["tokenizer_class"] = "PreTrainedTokenizerFast",
            ["model_max_length"] = Positions,
            ["bos_token"] = null,
            ["eos_token"] = "<|im_end|>",
            ["pad_token"] = "<|endoftext|>",
            ["unk_token"] = null,
            ["clean_up_tokenization_spaces"] = false,
            ["chat_template"] = ChatTemplate,
        });
        Save(Path.Combine(folder, "config.json"), new JsonObject
        {
            ["architectures"] = new JsonArray("LlamaForCausalLM"),
            ["model_type"] = "llama",
            ["vocab_size"] = vocabulary,
            ["hidden_size"] = Hidden,
            ["intermediate_size"] = Inner,
            ["num_hidden_layers"] = Layers,
            ["num_attention_heads"] = Heads,
            ["num_key_value_heads"] = KeyValueHeads,
            ["hidden_act"] = "silu",
            ["max_position_embeddings"] = Positions,
            ["rms_norm_eps"] = 1e-5,
            ["rope_theta"] = 10000.0,
            ["initializer_range"] = 0.04,
            ["attention_bias"] = false,
            ["mlp_bias"] = false,
            ["tie_word_embeddings"] = true,
            ["bos_token_id"] = null,
            ["eos_token_id"] = 2,
            ["pad_token_id"] = 0,
            ["torch_dtype"] = "bfloat16",
        });
        using var writer = SafetensorsWriter.Create(Path.Combine(folder, "model.safetensors"), Tensors(vocabulary).Select(t => (t.Name, TensorType.BF16, t.Shape)));
        var random = new Random(seed);
        foreach (var (name, shape) in Tensors(vocabulary))
        {
            // Projections back into the residual stream start smaller, as in GPT-2.
            var scale = name.EndsWith("o_proj.weight", StringComparison.Ordinal) || name.EndsWith("down_proj.weight", StringComparison.Ordinal) ? 0.04 / Math.Sqrt(2 * Layers) : 0.04;
            var values = new ushort[shape.Aggregate(1L, (a, b) => a * b)];
            for (var i = 0; i < values.Length; i++)
                values[i] = BFloat16(shape.Length == 1 ? 1 : (float)(scale * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())));
            writer.Write(name, MemoryMarshal.AsBytes<ushort>(values));
        }
        writer.Commit();
    }

    private static IEnumerable<(string Name, long[] Shape)> Tensors(int vocabulary)
    {
        yield return ("model.embed_tokens.weight", [vocabulary, Hidden]);
        for (var i = 0; i < Layers; i++)
        {
            var at = $"model.layers.{i}.";
            yield return (at + "input_layernorm.weight", [Hidden]);
            yield return (at + "self_attn.q_proj.weight", [Hidden, Hidden]);
            yield return (at + "self_attn.k_proj.weight", [Hidden * KeyValueHeads / Heads, Hidden]);
            yield return (at + "self_attn.v_proj.weight", [Hidden * KeyValueHeads / Heads, Hidden]);
            yield return (at + "self_attn.o_proj.weight", [Hidden, Hidden]);
            yield return (at + "post_attention_layernorm.weight", [Hidden]);
            yield return (at + "mlp.gate_proj.weight", [Inner, Hidden]);
            yield return (at + "mlp.up_proj.weight", [Inner, Hidden]);
            yield return (at + "mlp.down_proj.weight", [Hidden, Inner]);
        }
        yield return ("model.norm.weight", [Hidden]);
    }

    // To the nearest, ties to even.
    private static ushort BFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    private static void Save(string path, JsonObject json) =>
        File.WriteAllText(path, json.ToJsonString(new JsonSerializerOptions { WriteIndented = true, IndentSize = 1, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }) + "\n");
}
