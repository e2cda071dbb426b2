using LowRank.Formats;
using LowRank.Models.Checkpoints;
using LowRank.Models.Families;

namespace LowRank.Models.Export;

/// <summary>The model that is exported: a Hugging Face folder or a GGUF file behind one face, its tensors under Hugging Face's names.</summary>
internal sealed class ExportSource : IDisposable
{
    private ExportSource(string path, ITensorSource tensors, ModelConfig config, GgufFile? gguf) => (Path, Tensors, Config, Gguf) = (path, tensors, config, gguf);

    /// <summary>The folder or file.</summary>
    public string Path { get; }

    /// <summary>Its name without folders and without the ending of a file.</summary>
    public string Name => Gguf is null ? System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(Path))) : System.IO.Path.GetFileNameWithoutExtension(Path);

    /// <summary>The weights.</summary>
    public ITensorSource Tensors { get; }

    /// <summary>The configuration.</summary>
    public ModelConfig Config { get; }

    /// <summary>The file, where the model is one; its metadata holds the tokenizer.</summary>
    public GgufFile? Gguf { get; }

    /// <summary>Opens a model.</summary>
    /// <exception cref="LowRankException">It is missing, damaged, of an unknown kind, or in 4 bits.</exception>
    public static ExportSource Open(string path)
    {
        if (path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase))
        {
            var checkpoint = GgufCheckpoint.Open(path);
            return new ExportSource(path, checkpoint, new ModelConfig(checkpoint.Config, path), checkpoint.File);
        }
        var config = ModelConfig.Load(System.IO.Path.Combine(path, "config.json"));
        if (QuantizationConfig.IsFourBit(config)) throw new LowRankException($"{path} is in 4 bits, which GGUF has in another form. Make plain weights of it first: lowrank convert {path} FOLDER --to hf");
        return new ExportSource(path, SafetensorsFolder.Open(path), config, null);
    }

    /// <inheritdoc/>
    public void Dispose() => Tensors.Dispose();
}
