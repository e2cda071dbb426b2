using LowRank.Models.Tokenization.Gguf;

namespace LowRank.Models.Tokenization;

/// <summary>
/// Turns the tokenizer that a GGUF file carries in its metadata (<c>tokenizer.ggml.*</c>) into the Hugging Face form. Byte-level vocabularies
/// (model <c>gpt2</c>) need a known <c>tokenizer.ggml.pre</c>; SentencePiece ones (model <c>llama</c>) have scores, from which the merges
/// are derived as transformers does.
/// </summary>
public static class GgufTokenizer
{
    /// <summary>The tokenizer.json, as UTF-8.</summary>
    /// <param name="ggufMetadata">The metadata of the file: strings, booleans, numbers, and arrays as typed .NET arrays.</param>
    /// <exception cref="TokenizerFormatException">An entry is missing or has another type than expected.</exception>
    /// <exception cref="UnsupportedTokenizerFeatureException">The model or pre-tokenizer is not known.</exception>
    public static byte[] ToTokenizerJson(IReadOnlyDictionary<string, object> ggufMetadata) => new GgufTokenizerWriter(new GgufVocabulary(ggufMetadata)).Write();

    /// <summary>Names of special tokens and the chat template.</summary>
    /// <param name="ggufMetadata">The metadata of the file.</param>
    /// <exception cref="TokenizerFormatException">An entry is missing or has another type than expected.</exception>
    public static TokenizerConfig ToConfig(IReadOnlyDictionary<string, object> ggufMetadata)
    {
        var vocabulary = new GgufVocabulary(ggufMetadata);
        var tokens = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, key) in (ReadOnlySpan<(string, string)>)[("bos_token", "bos_token_id"), ("eos_token", "eos_token_id"), ("pad_token", "padding_token_id"),
            ("unk_token", "unknown_token_id"), ("sep_token", "seperator_token_id"), ("mask_token", "mask_token_id")])
            if (vocabulary.TokenOf(key) is { } token) tokens[name] = token;
        const string template = "tokenizer.chat_template";
        var templates = ggufMetadata.Where(e => e.Key.StartsWith(template + ".", StringComparison.Ordinal) && e.Value is string)
            .ToDictionary(e => e.Key[(template.Length + 1)..], e => (string)e.Value, StringComparer.Ordinal);
        var single = ggufMetadata.GetValueOrDefault(template) as string;
        if (templates.Count > 0 && single is not null) templates["default"] = single;
        var eos = new List<int>();
        foreach (var key in (ReadOnlySpan<string>)["eos_token_id", "eot_token_id"])
            if (vocabulary.TokenOf(key) is { } token && Array.IndexOf(vocabulary.Tokens, token) is var id && !eos.Contains(id)) eos.Add(id);
        return new TokenizerConfig
        {
            SpecialTokens = tokens,
            AddBosToken = vocabulary.Flag("add_bos_token") ?? (vocabulary.Model == "llama" || GgufPreTokenizer.Named(vocabulary.Text("pre")).AddBosByDefault),
            AddEosToken = vocabulary.Flag("add_eos_token") ?? false,
            ChatTemplate = single ?? templates.GetValueOrDefault("default"),
            NamedChatTemplates = templates,
            EosTokenIds = eos,
        };
    }
}
