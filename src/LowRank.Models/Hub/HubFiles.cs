using LowRank.Formats;

namespace LowRank.Models.Hub;

/// <summary>Which files of a repository are needed: configuration, tokenizer, template and safetensors weights, nothing else.</summary>
internal static class HubFiles
{
    public const string Config = "config.json";
    public const string AdapterConfig = "adapter_config.json";
    public const string AdapterWeights = "adapter_model.safetensors";

    /// <summary>The files to download first; weights that an index names come after it.</summary>
    /// <exception cref="HubException">The repository has no model that can be read.</exception>
    public static IReadOnlyList<string> First(HubId id, IReadOnlyCollection<string> files)
    {
        var small = files.Where(f => f is Config or AdapterConfig or "generation_config.json" or "special_tokens_map.json" or "chat_template.jinja"
            || f.StartsWith("tokenizer", StringComparison.Ordinal) && f.EndsWith(".json", StringComparison.Ordinal) && !f.Contains('/')).Order(StringComparer.Ordinal).ToList();
        if (files.Contains(AdapterConfig) && files.Contains(AdapterWeights)) return [.. small, AdapterWeights];
        if (!files.Contains(Config)) throw new HubException(id, $"the repository has no {Config}, so it holds no transformers model. {Listing(files)}");
        if (files.Contains(SafetensorsFolder.SingleFile)) return [.. small, SafetensorsFolder.SingleFile];
        if (files.Contains(SafetensorsFolder.IndexFile)) return [.. small, SafetensorsFolder.IndexFile];
        var pickles = files.Where(PickleFiles.IsPickle).Take(3).ToArray();
        throw new HubException(id, pickles.Length > 0 ? $"the repository has no safetensors weights. {PickleFiles.Refusal(string.Join(", ", pickles))}"
            : $"the repository has no safetensors weights. {Listing(files)}");
    }

    private static string Listing(IReadOnlyCollection<string> files)
    {
        var gguf = files.FirstOrDefault(f => f.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase));
        return gguf is not null ? $"It has GGUF files: download the one you want ({gguf}, for example) and name that file."
            : $"There are: {string.Join(", ", files.Order(StringComparer.Ordinal).Take(12))}{(files.Count > 12 ? $" and {files.Count - 12} more" : "")}.";
    }
}
