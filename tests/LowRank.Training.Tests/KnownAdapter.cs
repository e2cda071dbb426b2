using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Models.Decoder;
using LowRank.Models.Families;

namespace LowRank.Training.Tests;

/// <summary>Writes adapters with values of a seed for a model on disk.</summary>
internal static class KnownAdapter
{
    /// <summary>Writes one and returns its folder.</summary>
    /// <param name="model">The model's folder.</param>
    /// <param name="folder">The folder to create.</param>
    /// <param name="config">The settings.</param>
    /// <param name="more">Tensors beside those that the settings ask for, by their names in the adapted model.</param>
    /// <param name="record">What is recorded beside it, or null.</param>
    public static string Write(string model, string folder, LoraConfig config, IReadOnlyDictionary<string, (long[] Shape, float[] Values)>? more = null, AdapterRecord? record = null)
    {
        var modelConfig = ModelConfig.Load(Path.Combine(model, "config.json"));
        var spec = ModelFamilies.Of(modelConfig).Read(modelConfig);
        var modules = DecoderModules.Of(spec);
        var selection = TargetMatcher.Select(config, modules, spec.ModelType);
        var tensors = AdapterKeys.TensorsOf(selection, modules).Where(t => !t.IsOptional && more?.ContainsKey(t.Name) != true).Select(t => (t.Name, TensorType.F32, t.Shape)).ToList();
        tensors.AddRange((more ?? new Dictionary<string, (long[] Shape, float[] Values)>()).Select(m => (m.Key, TensorType.F32, m.Value.Shape)));
        using var writer = AdapterFolder.Create(folder, selection.Config, tensors, record);
        foreach (var (name, _, shape) in tensors)
        {
            if (more is not null && more.TryGetValue(name, out var given))
            {
                writer.Write(name, given.Values);
                continue;
            }
            // Of the name alone, so that a model with more tokens gets the same adapter elsewhere.
            var random = new Random(name.Aggregate(17, (hash, c) => unchecked(hash * 31 + c)));
            writer.Write(name, [.. Enumerable.Range(0, (int)shape.Aggregate(1L, (a, b) => a * b)).Select(_ => (float)(random.NextDouble() - 0.5) / 4)]);
        }
        writer.Commit();
        return folder;
    }
}
