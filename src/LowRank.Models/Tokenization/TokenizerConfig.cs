using LowRank.Models.Tokenization.Loading;

namespace LowRank.Models.Tokenization;

/// <summary>
/// What a model folder says beside the tokenizer itself: the names of special tokens, the chat template, the ids that end a generation.
/// From tokenizer_config.json, special_tokens_map.json, chat_template.jinja, additional_chat_templates and generation_config.json, as
/// far as they are there. Immutable.
/// </summary>
public sealed record TokenizerConfig
{
    /// <summary>Every special token that has a name, by it: <c>bos_token</c>, <c>eos_token</c>, and whatever else the files name, such as <c>image_token</c>.</summary>
    public IReadOnlyDictionary<string, string> SpecialTokens { get; init; } = new Dictionary<string, string>();

    /// <summary>Special tokens that have no name of their own (<c>additional_special_tokens</c>).</summary>
    public IReadOnlyList<string> AdditionalSpecialTokens { get; init; } = [];

    /// <summary>The token that begins a text, or null.</summary>
    public string? BosToken => SpecialTokens.GetValueOrDefault("bos_token");

    /// <summary>The token that ends a text or turn, or null.</summary>
    public string? EosToken => SpecialTokens.GetValueOrDefault("eos_token");

    /// <summary>The token that fills rows up, or null.</summary>
    public string? PadToken => SpecialTokens.GetValueOrDefault("pad_token");

    /// <summary>The token for what the vocabulary lacks, or null.</summary>
    public string? UnkToken => SpecialTokens.GetValueOrDefault("unk_token");

    /// <summary>Whether the files say that a text begins with <see cref="BosToken"/>; false where they say nothing.</summary>
    public bool AddBosToken { get; init; }

    /// <summary>Whether the files say that a text ends with <see cref="EosToken"/>; false where they say nothing.</summary>
    public bool AddEosToken { get; init; }

    /// <summary>The Jinja source of the chat template, or null. Where there are several by name, the one named <c>default</c>.</summary>
    public string? ChatTemplate { get; init; }

    /// <summary>The chat templates that have names, such as <c>tool_use</c>; empty where there is only one without a name.</summary>
    public IReadOnlyDictionary<string, string> NamedChatTemplates { get; init; } = new Dictionary<string, string>();

    /// <summary>The ids that end a generation, from generation_config.json; empty where it says nothing.</summary>
    public IReadOnlyList<int> EosTokenIds { get; init; } = [];

    /// <summary>Reads what is there in a model folder. A folder with none of the files gives a configuration that says nothing.</summary>
    /// <param name="folder">The model folder.</param>
    /// <exception cref="TokenizerFormatException">One of the files is not what it should be; with file, and line or key.</exception>
    public static TokenizerConfig Load(string folder) => TokenizerConfigReader.Read(folder);
}
