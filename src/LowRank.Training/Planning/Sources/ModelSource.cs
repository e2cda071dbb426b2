using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Models.Checkpoints;
using LowRank.Models.Families;
using LowRank.Models.Hub;
using LowRank.Quantization;
using LowRank.Training.Planning.Shapes;

namespace LowRank.Training.Planning.Sources;

/// <summary>The sizes of a model and where they came from. No weight is read and no socket opened.</summary>
/// <param name="Name">What the model was called.</param>
/// <param name="Origin">Where its sizes came from, as text.</param>
/// <param name="Shape">Its sizes.</param>
/// <param name="StoredBytes">Bytes of a parameter as LowRank would hold it: 4 for a checkpoint in fp32, else 2.</param>
/// <param name="FourBit">The form of the linear layers where the checkpoint is in 4 bits already, else null.</param>
/// <param name="Path">The folder or file that holds the model, for its tokenizer; null for a name alone.</param>
public sealed record ModelSource(string Name, string Origin, ModelShape Shape, int StoredBytes, FourBitOptions? FourBit, string? Path)
{
    /// <summary>Finds a model: a folder, a <c>config.json</c>, a <c>.gguf</c> file, a hub id that is in the cache, or the short name of a well-known model.</summary>
    /// <param name="model">What it is called.</param>
    /// <exception cref="LowRankException">There is nothing of that name, or its family is not known.</exception>
    public static ModelSource Open(string model)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        if (Directory.Exists(model)) return OfConfig(model, System.IO.Path.Combine(model, "config.json"), model);
        if (File.Exists(model)) return OfFile(model);
        var cached = HubId.TryParse(model, out var id) && new HubCache(HubOptions.FromEnvironment(), id) is var cache && cache.Commit() is { } commit
            ? System.IO.Path.Combine(cache.Snapshot(commit), "config.json") : null;
        if (cached is not null && File.Exists(cached)) return OfConfig(model, cached, System.IO.Path.GetDirectoryName(cached));
        if (KnownModel.Find(model) is { } known) return new ModelSource(known.Name, $"LowRank's table of models ({known.Hub})", ModelShape.Read(known.Config), 2, null, null);
        var near = NearestNames.Of(model.ToLowerInvariant(), KnownModel.All.Select(m => m.Name));
        throw new LowRankException($"{model} is no folder, config.json or .gguf file, not in the hub's cache, and no model of the table{(near.Count > 0 ? $"; did you mean {string.Join(" or ", near)}?" : ".")} " +
            $"The table has {string.Join(", ", KnownModel.All.Select(m => m.Name))}.");
    }

    private static ModelSource OfConfig(string model, string path, string? folder)
    {
        var config = ModelConfig.Load(path);
        return new ModelSource(model, path, ModelShape.Read(config), (config.Text("torch_dtype") ?? config.Text("dtype")) is "float32" ? 4 : 2, FormOf(config), folder);
    }

    private static FourBitOptions? FormOf(ModelConfig config) => !QuantizationConfig.IsFourBit(config) ? null
        : new FourBitOptions { DoubleQuantization = config.Object("quantization_config")?["bnb_4bit_use_double_quant"]?.GetValue<bool>() ?? false };

    private static ModelSource OfFile(string path)
    {
        if (!path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)) return OfConfig(path, path, System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path)));
        // A GGUF base is held as bf16, whatever its blocks are.
        using var checkpoint = GgufCheckpoint.Open(path);
        return new ModelSource(path, path, ModelShape.Read(new ModelConfig(checkpoint.Config, path)), 2, null, path);
    }
}
