using System.Globalization;
using System.Text.Json;
using LowRank.Models.Families;
using LowRank.Models.Tokenization;
using LowRank.Models.Tokenization.Gguf;
using LowRank.Models.Tokenization.Loading;

namespace LowRank.Models.Export;

/// <summary>
/// The <c>tokenizer.*</c> keys of a GGUF file from the tokenizer files of a Hugging Face folder, as llama.cpp's converter writes them (<c>convert_hf_to_gguf.py</c>, <c>set_vocab</c>;
/// gguf-py, <c>vocab.py</c>), keys in the same order. Where the file would not mean the same tokenizer it is refused.
/// </summary>
internal sealed class GgufTokenizerDescription
{
    private static readonly (string Name, string Key)[] specialTokens =
    [
        ("bos", "bos_token_id"), ("eos", "eos_token_id"), ("unk", "unknown_token_id"), ("sep", "seperator_token_id"), ("pad", "padding_token_id"), ("cls", "cls_token_id"), ("mask", "mask_token_id"),
    ];

    private readonly GgufMetadataBuilder metadata;
    private readonly ModelConfig config;
    private readonly JsonPart root;
    private readonly JsonElement? tokenizerConfig;
    private readonly Tokenizer tokenizer;
    private readonly TokenizerConfig names;

    private GgufTokenizerDescription(GgufMetadataBuilder metadata, ModelConfig config, string folder)
    {
        (this.metadata, this.config) = (metadata, config);
        tokenizer = Tokenizer.Load(folder);
        names = TokenizerConfig.Load(folder);
        var path = Path.Combine(folder, "tokenizer.json");
        root = new JsonPart(JsonDocument.Parse(File.ReadAllBytes(path)).RootElement, "tokenizer", path);
        var beside = Path.Combine(folder, "tokenizer_config.json");
        tokenizerConfig = File.Exists(beside) ? JsonDocument.Parse(File.ReadAllBytes(beside)).RootElement : null;
    }

    /// <summary>Reads a folder's tokenizer and adds it.</summary>
    /// <param name="metadata">Receives the keys.</param>
    /// <param name="config">The model's configuration.</param>
    /// <param name="folder">The folder with tokenizer.json.</param>
    /// <param name="rows">Rows of the embedding: the list of tokens is filled up to as many.</param>
    /// <exception cref="TokenizerFormatException">A file is missing or not a tokenizer, or has more tokens than the embedding rows.</exception>
    /// <exception cref="UnsupportedTokenizerFeatureException">GGUF has no form for the tokenizer, or none that is known here.</exception>
    public static void Add(GgufMetadataBuilder metadata, ModelConfig config, string folder, long rows)
    {
        var description = new GgufTokenizerDescription(metadata, config, folder);
        var model = description.root.Object("model") ?? throw description.root.Missing("model", "an object");
        if (model.OptionalString("type") is { } type and not "BPE") throw model.Unsupported($"a GGUF file of a {type} model");
        var sentencePiece = model.Flag("byte_fallback", false);
        if (metadata.Architecture == "llama" && description.ConfigFlag("add_prefix_space") is { } prefix) metadata.Set("tokenizer.ggml.add_space_prefix", prefix);
        var vocabulary = new GgufTokenList(description.root, rows);
        var beginsByDefault = sentencePiece ? description.SentencePiece(model, vocabulary) : description.ByteLevel(model, vocabulary);
        description.SpecialTokens(beginsByDefault);
        description.Templates();
        // Gemma's converter says so in any case; others where the file would else mean a space.
        if (sentencePiece && !description.BeginsWithSpace()) metadata.Set("tokenizer.ggml.add_space_prefix", false);
        // The Granite models of this size share their architecture with models that add the token.
        if (metadata.Architecture == "llama" && config.Integer("vocab_size") == 49152) metadata.Set("tokenizer.ggml.add_bos_token", false);
    }

    // Whether a reader adds the token of the beginning where the file says nothing.
    private bool ByteLevel(JsonPart model, GgufTokenList vocabulary)
    {
        var pre = GgufPreTokenizerProbe.NameOf(root, tokenizer);
        metadata.Set("tokenizer.ggml.model", "gpt2");
        metadata.Set("tokenizer.ggml.pre", pre);
        metadata.Set("tokenizer.ggml.tokens", vocabulary.Tokens);
        metadata.Set("tokenizer.ggml.token_type", vocabulary.Types);
        // A token that holds a space itself has it in the stand-in of byte-level vocabularies.
        metadata.Set("tokenizer.ggml.merges", GgufMerges.Read(model).Select(m => $"{m.Left.Replace(' ', 'Ġ')} {m.Right.Replace(' ', 'Ġ')}").ToArray());
        return GgufPreTokenizer.Named(pre).AddBosByDefault;
    }

    private bool SentencePiece(JsonPart model, GgufTokenList vocabulary)
    {
        var original = Path.Combine(Path.GetDirectoryName(root.Source)!, "tokenizer.model");
        var scores = GgufMerges.Scores(model, vocabulary, File.Exists(original) ? SentencePieceScores.Read(original) : null);
        metadata.Set("tokenizer.ggml.model", "llama");
        metadata.Set("tokenizer.ggml.pre", "default");
        metadata.Set("tokenizer.ggml.tokens", vocabulary.Tokens);
        metadata.Set("tokenizer.ggml.scores", scores);
        metadata.Set("tokenizer.ggml.token_type", vocabulary.Types);
        return true;
    }

    // SentencePiece puts a space before a text: as a normalizer, or in the newer form as a pre-tokenizer.
    private bool BeginsWithSpace()
    {
        var normalizer = root.Object("normalizer");
        IEnumerable<JsonPart> parts = normalizer is not { } n ? [] : n.Type == "Sequence" ? n.List("normalizers") : [n];
        if (parts.Any(p => p.Type == "Prepend")) return true;
        return root.Object("pre_tokenizer") is { Type: "Metaspace" } metaspace && metaspace.OptionalString("prepend_scheme") != "never" && metaspace.Flag("add_prefix_space", true);
    }

    private void SpecialTokens(bool beginsByDefault)
    {
        foreach (var (name, key) in specialTokens)
        {
            // llama.cpp looks among the added tokens alone.
            var id = names.SpecialTokens.GetValueOrDefault($"{name}_token") is { } text ? tokenizer.AddedTokens.FirstOrDefault(t => t.Content == text)?.Id : null;
            if (id is null && config.Ids($"{name}_token_id") is [var given] && config.Json[$"{name}_token_id"] is System.Text.Json.Nodes.JsonValue) id = given;
            if (id is >= 0) metadata.Set($"tokenizer.ggml.{key}", (uint)id.Value);
        }
        var around = new OrderedDictionary<string, bool>(StringComparer.Ordinal);
        var (first, last) = Template();
        if (first is not null) around["bos"] = first == names.BosToken || first == names.SpecialTokens.GetValueOrDefault("cls_token");
        if (last is not null) around["eos"] = last == names.EosToken;
        foreach (var (name, _) in specialTokens)
            if (ConfigFlag($"add_{name}_token") is { } flag) around[name] = flag;
        // A file that says nothing means that the token is added; llama.cpp's converter leaves that to chance.
        if (beginsByDefault && !around.ContainsKey("bos")) around["bos"] = false;
        foreach (var (name, added) in around)
            if (name is "bos" or "eos" or "sep") metadata.Set($"tokenizer.ggml.add_{name}_token", added);
    }

    // The special tokens that the post-processor puts before and behind a text.
    private (string? First, string? Last) Template()
    {
        if (root.Object("post_processor") is not { } post) return default;
        foreach (var processor in post.Type == "Sequence" ? post.List("processors") : [post])
        {
            if (processor.Type != "TemplateProcessing") continue;
            var single = processor.List("single");
            return single.Count > 1 ? (single[0].Object("SpecialToken")?.String("id"), single[^1].Object("SpecialToken")?.String("id")) : default;
        }
        return default;
    }

    private void Templates()
    {
        var named = names.NamedChatTemplates.Keys.Where(n => n != "default").ToArray();
        foreach (var name in named) metadata.Set($"tokenizer.chat_template.{name}", names.NamedChatTemplates[name]);
        if (named.Length > 0) metadata.Set("tokenizer.chat_templates", named);
        metadata.SetIfKnown("tokenizer.chat_template", names.ChatTemplate);
    }

    private bool? ConfigFlag(string key) => tokenizerConfig is { } c && c.TryGetProperty(key, out var value) ? value.ValueKind switch { JsonValueKind.True => true, JsonValueKind.False => false, _ => null } : null;
}
