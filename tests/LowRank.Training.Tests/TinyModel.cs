using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using LowRank.Formats;
using LowRank.Testing;

namespace LowRank.Training.Tests;

/// <summary>Makes a Hugging Face folder with a tiny Llama of random weights and a real tokenizer, for tests of whole runs.</summary>
internal static class TinyModel
{
    private const string ChatTemplate = "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>\n{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";

    /// <summary>Rows of the token tables.</summary>
    public const int Vocabulary = 400;

    /// <summary>Writes the folder and returns it.</summary>
    public static string Create(string folder, int hidden = 32, int layers = 2, int seed = 1)
    {
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray("LlamaForCausalLM"),
            ["model_type"] = "llama",
            ["vocab_size"] = Vocabulary,
            ["hidden_size"] = hidden,
            ["intermediate_size"] = hidden * 2,
            ["num_hidden_layers"] = layers,
            ["num_attention_heads"] = 4,
            ["num_key_value_heads"] = 2,
            ["max_position_embeddings"] = 256,
            ["rms_norm_eps"] = 1e-5,
            ["tie_word_embeddings"] = true,
            ["eos_token_id"] = 0,
            ["torch_dtype"] = "float32",
        };
        var tensors = new List<(string Name, TensorType Type, long[] Shape)> { ("model.embed_tokens.weight", TensorType.F32, [Vocabulary, hidden]), ("model.norm.weight", TensorType.F32, [hidden]) };
        for (var i = 0; i < layers; i++)
        {
            var at = $"model.layers.{i}.";
            tensors.AddRange(
            [
                (at + "self_attn.q_proj.weight", TensorType.F32, [hidden, hidden]), (at + "self_attn.k_proj.weight", TensorType.F32, [hidden / 2, hidden]),
                (at + "self_attn.v_proj.weight", TensorType.F32, [hidden / 2, hidden]), (at + "self_attn.o_proj.weight", TensorType.F32, [hidden, hidden]),
                (at + "mlp.gate_proj.weight", TensorType.F32, [hidden * 2, hidden]), (at + "mlp.up_proj.weight", TensorType.F32, [hidden * 2, hidden]),
                (at + "mlp.down_proj.weight", TensorType.F32, [hidden, hidden * 2]), (at + "input_layernorm.weight", TensorType.F32, [hidden]),
                (at + "post_attention_layernorm.weight", TensorType.F32, [hidden]),
            ]);
        }
        return Write(folder, config, tensors, seed);
    }

    /// <summary>Writes a folder with these tensors at random, a tokenizer and a template, and returns it.</summary>
    public static string Write(string folder, JsonObject config, IReadOnlyList<(string Name, TensorType Type, long[] Shape)> tensors, int seed)
    {
        Directory.CreateDirectory(folder);
        var tokenizer = Golden.At("tokenizers", "synthetic-bytelevel", "tokenizer.json");
        Assert.SkipUnless(File.Exists(tokenizer), $"absent: {tokenizer}");
        File.Copy(tokenizer, Path.Combine(folder, "tokenizer.json"), overwrite: true);
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), new JsonObject { ["chat_template"] = ChatTemplate }.ToJsonString());
        File.WriteAllText(Path.Combine(folder, "config.json"), config.ToJsonString());
        var random = new Random(seed);
        using var writer = SafetensorsWriter.Create(Path.Combine(folder, "model.safetensors"), tensors);
        foreach (var t in writer.Tensors)
        {
            // Norms near one, matrices scaled by their width, as trained models have them.
            var scale = t.Shape.Length == 1 ? 0.1 : 1 / Math.Sqrt(t.Shape[1]);
            var values = new float[t.Elements];
            for (var i = 0; i < values.Length; i++)
                values[i] = (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()) * scale) + (t.Shape.Length == 1 ? 1 : 0);
            writer.Write(t.Name, MemoryMarshal.AsBytes<float>(values));
        }
        writer.Commit();
        return folder;
    }

    /// <summary>Writes a folder's weights again in bf16 and returns the folder.</summary>
    public static string Narrow(string folder)
    {
        var (path, narrow) = (Path.Combine(folder, "model.safetensors"), Path.Combine(folder, "narrow.safetensors"));
        using (var wide = SafetensorsFile.Open(path))
        using (var writer = SafetensorsWriter.Create(narrow, wide.Tensors.Select(t => (t.Name, TensorType.BF16, t.Shape))))
        {
            foreach (var t in writer.Tensors)
            {
                Assert.True(wide.TryGet(t.Name, out var from));
                var values = new ushort[t.Elements];
                FloatConversion.SingleToBFloat16(MemoryMarshal.Cast<byte, float>(wide.Bytes(from)), values);
                writer.Write(t.Name, MemoryMarshal.AsBytes<ushort>(values));
            }
            writer.Commit();
        }
        File.Move(narrow, path, overwrite: true);
        var config = Path.Combine(folder, "config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("float32", "bfloat16", StringComparison.Ordinal));
        return folder;
    }

    /// <summary>Writes small questions and answers.</summary>
    public static string CreateData(string path, int rows = 24)
    {
        string[] colours = ["red", "green", "blue", "white", "black", "grey"];
        File.WriteAllLines(path, Enumerable.Range(0, rows).Select(i => new JsonObject
        {
            ["messages"] = new JsonArray(
                new JsonObject { ["role"] = "user", ["content"] = $"Which colour has number {i}?" },
                new JsonObject { ["role"] = "assistant", ["content"] = string.Concat(Enumerable.Repeat(colours[i % colours.Length] + " ", 1 + i % 3)).TrimEnd() }),
        }.ToJsonString()));
        return path;
    }
}
