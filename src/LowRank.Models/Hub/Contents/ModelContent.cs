using LowRank.Formats;

namespace LowRank.Models.Hub.Contents;

/// <summary>What a causal language model needs: configuration, tokenizer, template and safetensors weights, nothing else.</summary>
internal sealed class ModelContent : HubContent
{
    private const string Config = "config.json", Tokenizer = "tokenizer.json";

    private static readonly string[] Small = ["generation_config.json", "special_tokens_map.json", "chat_template.jinja", "chat_template.json"];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Optional { get; } =
        [.. Small, Tokenizer, "tokenizer_config.json", AdapterContent.Config, SafetensorsFolder.SingleFile, SafetensorsFolder.IndexFile];

    /// <inheritdoc/>
    public override IReadOnlyList<string> First(HubId id, IReadOnlyCollection<string> files)
    {
        if (!files.Contains(Config))
        {
            throw new HubException(id, files.Contains(AdapterContent.Config)
                ? $"the repository has {AdapterContent.Config} and no {Config}: it is an adapter. Name it with --adapter, and its base with --model."
                : $"the repository has no {Config}, so it holds no transformers model. {GgufOrListing(files)}");
        }
        var small = files.Where(f => f == Config || Small.Contains(f)
            || f.StartsWith("tokenizer", StringComparison.Ordinal) && f.EndsWith(".json", StringComparison.Ordinal) && !f.Contains('/')
            || f.StartsWith("additional_chat_templates/", StringComparison.Ordinal) && f.EndsWith(".jinja", StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToList();
        if (files.Contains(SafetensorsFolder.SingleFile)) return [.. small, SafetensorsFolder.SingleFile];
        if (files.Contains(SafetensorsFolder.IndexFile)) return [.. small, SafetensorsFolder.IndexFile];
        var pickles = files.Where(PickleFiles.IsPickle).Take(3).ToArray();
        throw new HubException(id, pickles.Length > 0 ? $"the repository has no safetensors weights. {PickleFiles.Refusal(string.Join(", ", pickles))}"
            : $"the repository has no safetensors weights. {GgufOrListing(files)}");
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Named(string snapshot, IReadOnlyList<string> first) => first.Contains(SafetensorsFolder.IndexFile) ? Shards(snapshot) : [];

    /// <inheritdoc/>
    public override bool IsWhole(string snapshot, Func<string, bool> isAbsent)
    {
        // Another program may have asked for a part of the files only: the tokenizer has to be there, or be known not to exist.
        if (!Has(snapshot, Config) || !Has(snapshot, Tokenizer) && !isAbsent(Tokenizer)) return false;
        return Has(snapshot, SafetensorsFolder.SingleFile) || Has(snapshot, SafetensorsFolder.IndexFile) && Shards(snapshot).All(s => Has(snapshot, s));
    }

    private static string GgufOrListing(IReadOnlyCollection<string> files) =>
        files.FirstOrDefault(f => f.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)) is { } gguf
            ? $"It has GGUF files: download the one you want ({gguf}, for example) and name that file." : Listing(files);
}
