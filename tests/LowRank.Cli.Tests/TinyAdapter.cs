using LowRank.Adapters;
using LowRank.Formats;

namespace LowRank.Cli.Tests;

/// <summary>Writes an adapter of a seed for the tiny model of 32 hidden values.</summary>
internal static class TinyAdapter
{
    /// <summary>Writes it on query and value of two layers, and returns its folder.</summary>
    public static string Write(string folder, LoraConfig? config = null)
    {
        config ??= new LoraConfig { Rank = 4, Alpha = 8, TargetModules = ["q_proj", "v_proj"] };
        var tensors = new List<(string, TensorType, long[])>();
        for (var layer = 0; layer < 2; layer++)
            foreach (var (name, width) in new[] { ("q_proj", 32L), ("v_proj", 16L) })
            {
                var module = $"model.layers.{layer}.self_attn.{name}";
                tensors.AddRange([($"{module}.lora_A.weight", TensorType.F32, [config.Rank, 32]), ($"{module}.lora_B.weight", TensorType.F32, [width, config.Rank])]);
            }
        var random = new Random(7);
        using var writer = AdapterFolder.Create(folder, config, tensors);
        foreach (var (name, _, shape) in tensors) writer.Write(name, [.. Enumerable.Range(0, (int)(shape[0] * shape[1])).Select(_ => (float)random.NextDouble() - 0.5f)]);
        writer.Commit();
        return folder;
    }
}
