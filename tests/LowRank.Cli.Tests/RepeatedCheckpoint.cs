using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using LowRank.Adapters;
using LowRank.Formats;

namespace LowRank.Cli.Tests;

/// <summary>A Llama of real sizes whose weights repeat one block of random values, and a LoRA of rank 16 on all of its linear layers: files to measure with, written as fast as the disk takes them.</summary>
/// <param name="Hidden">Width of the residual stream.</param>
/// <param name="Intermediate">Width inside the MLP.</param>
/// <param name="Layers">Layers.</param>
/// <param name="KeyValueWidth">Width of keys and of values.</param>
/// <param name="Vocabulary">Rows of embedding and head.</param>
/// <param name="Type">F32 or BF16.</param>
internal sealed record RepeatedCheckpoint(long Hidden, long Intermediate, int Layers, long KeyValueWidth, long Vocabulary, TensorType Type)
{
    private const int HeadSize = 64;
    private const int Rank = 16;

    /// <summary>Bytes of all weights.</summary>
    public long Bytes => Tensors().Sum(t => t.Shape.Aggregate(1L, (a, b) => a * b)) * Type.ElementSize();

    /// <summary>Bytes of the largest tensor.</summary>
    public long LargestBytes => Tensors().Max(t => t.Shape.Aggregate(1L, (a, b) => a * b)) * Type.ElementSize();

    /// <summary>Writes the model.</summary>
    public string WriteModel(string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "config.json"), new JsonObject
        {
            ["model_type"] = "llama", ["vocab_size"] = Vocabulary, ["hidden_size"] = Hidden, ["intermediate_size"] = Intermediate, ["num_hidden_layers"] = Layers,
            ["num_attention_heads"] = Hidden / HeadSize, ["num_key_value_heads"] = KeyValueWidth / HeadSize, ["max_position_embeddings"] = 2048, ["rms_norm_eps"] = 1e-5, ["tie_word_embeddings"] = false,
        }.ToJsonString());
        // 8 MiB of values of the size that weights have.
        var block = new byte[8 << 20];
        var random = new Random(1);
        if (Type == TensorType.F32)
            foreach (ref var v in MemoryMarshal.Cast<byte, float>(block.AsSpan())) v = (float)(random.NextDouble() - 0.5) / 20;
        else
            foreach (ref var v in MemoryMarshal.Cast<byte, ushort>(block.AsSpan())) v = (ushort)(BitConverter.SingleToUInt32Bits((float)(random.NextDouble() - 0.5) / 20) >> 16);
        using var writer = SafetensorsWriter.Create(Path.Combine(folder, SafetensorsFolder.SingleFile), Tensors().Select(t => (t.Name, Type, t.Shape)));
        foreach (var t in writer.Tensors)
            for (long at = 0; at < t.ByteLength; at += block.Length) writer.Write(t.Name, block.AsSpan(0, (int)Math.Min(block.Length, t.ByteLength - at)));
        writer.Commit();
        return folder;
    }

    /// <summary>Writes the adapter.</summary>
    public string WriteAdapter(string folder)
    {
        var tensors = Tensors().Where(t => t.Name.Contains("_proj", StringComparison.Ordinal)).Select(t => (Module: t.Name[..^".weight".Length], t.Shape))
            .SelectMany(t => new[] { ($"{t.Module}.lora_A.weight", TensorType.F32, new[] { Rank, t.Shape[1] }), ($"{t.Module}.lora_B.weight", TensorType.F32, [t.Shape[0], Rank]) }).ToList();
        var config = new LoraConfig { Rank = Rank, Alpha = Rank, TargetModules = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"] };
        var random = new Random(2);
        using var writer = AdapterFolder.Create(folder, config, tensors);
        foreach (var (name, _, shape) in tensors)
        {
            var values = new float[shape[0] * shape[1]];
            for (var i = 0; i < values.Length; i++) values[i] = (float)(random.NextDouble() - 0.5) / 10;
            writer.Write(name, values);
        }
        writer.Commit();
        return folder;
    }

    private IEnumerable<(string Name, long[] Shape)> Tensors()
    {
        yield return ("model.embed_tokens.weight", [Vocabulary, Hidden]);
        for (var i = 0; i < Layers; i++)
        {
            var at = $"model.layers.{i}";
            yield return ($"{at}.self_attn.q_proj.weight", [Hidden, Hidden]);
            yield return ($"{at}.self_attn.k_proj.weight", [KeyValueWidth, Hidden]);
            yield return ($"{at}.self_attn.v_proj.weight", [KeyValueWidth, Hidden]);
            yield return ($"{at}.self_attn.o_proj.weight", [Hidden, Hidden]);
            yield return ($"{at}.mlp.gate_proj.weight", [Intermediate, Hidden]);
            yield return ($"{at}.mlp.up_proj.weight", [Intermediate, Hidden]);
            yield return ($"{at}.mlp.down_proj.weight", [Hidden, Intermediate]);
            yield return ($"{at}.input_layernorm.weight", [Hidden]);
            yield return ($"{at}.post_attention_layernorm.weight", [Hidden]);
        }
        yield return ("model.norm.weight", [Hidden]);
        yield return ("lm_head.weight", [Vocabulary, Hidden]);
    }
}
