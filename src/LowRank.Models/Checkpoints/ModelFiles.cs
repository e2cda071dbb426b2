using System.Text.Json.Nodes;
using LowRank.Formats;
using LowRank.Models.Families;

namespace LowRank.Models.Checkpoints;

/// <summary>The small files beside the weights of a checkpoint, which a new checkpoint of the same model takes over: configuration, tokenizer, template.</summary>
/// <param name="path">A Hugging Face folder or a GGUF file.</param>
public sealed class ModelFiles(string path)
{
    private static readonly string[] TakenOver =
    [
        "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
        "chat_template.jinja", "vocab.json", "merges.txt", "tokenizer.model",
    ];

    /// <summary>The Hugging Face folder or GGUF file.</summary>
    internal string Path { get; } = path;

    /// <summary>Writes the files into a folder that is being made.</summary>
    /// <exception cref="LowRankException">The model is no longer there, or the disk is full.</exception>
    public void WriteInto(AtomicFolder folder)
    {
        if (!Directory.Exists(Path))
        {
            using var checkpoint = GgufCheckpoint.Open(Path);
            GgufConverter.WriteFiles(checkpoint, folder);
            return;
        }
        foreach (var name in TakenOver)
            if (File.Exists(System.IO.Path.Combine(Path, name))) folder.Write(name, File.ReadAllBytes(System.IO.Path.Combine(Path, name)));
    }

    /// <summary>Writes the files with a configuration that was changed.</summary>
    /// <param name="folder">The folder that is being made.</param>
    /// <param name="config">The model's configuration, which stays as it is.</param>
    /// <param name="change">Changes what is written as <c>config.json</c>.</param>
    internal void WriteInto(AtomicFolder folder, ModelConfig config, Action<JsonObject> change)
    {
        WriteInto(folder);
        var changed = config.Json.DeepClone().AsObject();
        change(changed);
        folder.Write("config.json", GgufConverter.Json(changed));
    }
}
