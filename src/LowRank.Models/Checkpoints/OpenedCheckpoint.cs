using System.Text.Json.Nodes;
using LowRank.Formats;
using LowRank.Models.Families;

namespace LowRank.Models.Checkpoints;

/// <summary>A checkpoint of either kind behind one face: its tensors under Hugging Face's names, its configuration, and the small files beside them.</summary>
/// <param name="Tensors">The tensors; this object owns them.</param>
/// <param name="Config">The configuration.</param>
/// <param name="Path">The Hugging Face folder or GGUF file.</param>
internal sealed record OpenedCheckpoint(ITensorSource Tensors, ModelConfig Config, string Path) : IDisposable
{
    /// <summary>Opens a Hugging Face folder or a GGUF file.</summary>
    public static OpenedCheckpoint Open(string path)
    {
        if (path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase))
        {
            var file = GgufCheckpoint.Open(path);
            return new OpenedCheckpoint(file, new ModelConfig(file.Config, path), path);
        }
        var config = ModelConfig.Load(System.IO.Path.Combine(path, "config.json"));
        ITensorSource tensors = SafetensorsFolder.Open(path);
        if (ModelFamilies.Knows(config.ModelType)) tensors = PrefixedTensors.WithFullNames(tensors, ModelFamilies.Of(config).Read(config));
        return new OpenedCheckpoint(tensors, config, path);
    }

    /// <summary>Writes the small files, with a changed configuration, into a folder that is being made.</summary>
    public void WriteFiles(AtomicFolder target, Action<JsonObject> change) => new ModelFiles(Path).WriteInto(target, Config, change);

    /// <inheritdoc/>
    public void Dispose() => Tensors.Dispose();
}
