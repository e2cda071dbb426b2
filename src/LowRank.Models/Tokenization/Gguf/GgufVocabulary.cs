using System.Globalization;

namespace LowRank.Models.Tokenization.Gguf;

/// <summary>The <c>tokenizer.ggml.*</c> entries of a GGUF file's metadata, checked as they are asked for.</summary>
internal sealed class GgufVocabulary(IReadOnlyDictionary<string, object> metadata)
{
    // llama.cpp, enum llama_token_type.
    public const int Unknown = 2, Control = 3, UserDefined = 4, Byte = 6;
    private const string Prefix = "tokenizer.ggml.";

    /// <summary>The tokens in the order of their ids.</summary>
    public string[] Tokens { get; } = metadata.TryGetValue(Prefix + "tokens", out var tokens) && tokens is string[] list ? list
        : throw new TokenizerFormatException($"GGUF metadata: {Prefix}tokens has to be a list of strings; the file holds no tokenizer. Use a file that llama.cpp made with its vocabulary.");

    /// <summary>The kind of tokenizer, such as <c>gpt2</c> or <c>llama</c>.</summary>
    public string Model => Text("model") ?? throw Missing("model", "a string");

    /// <summary>A string, or null.</summary>
    public string? Text(string key) => Value(key) is null ? null : Value(key) as string ?? throw Missing(key, "a string");

    /// <summary>A flag, or null.</summary>
    public bool? Flag(string key) => Value(key) is null ? null : Value(key) as bool? ?? throw Missing(key, "a boolean");

    /// <summary>The token that an id entry names, or null where the entry is missing.</summary>
    public string? TokenOf(string key)
    {
        if (Value(key) is not { } value) return null;
        var id = value is byte or ushort or uint or sbyte or short or int or long or ulong ? Convert.ToDecimal(value, CultureInfo.InvariantCulture) : -1;
        return id >= 0 && id < Tokens.Length ? Tokens[(int)id] : throw Missing(key, $"the id of one of the {Tokens.Length} tokens");
    }

    /// <summary>The type of each token, or null where the file does not say.</summary>
    public int[]? TokenTypes() => PerToken<int>("token_type");

    /// <summary>The score of each token, or null where the file does not say.</summary>
    public float[]? Scores() => PerToken<float>("scores");

    /// <summary>The merges, two tokens with a space between, or null.</summary>
    public string[]? Merges() => Value("merges") is null ? null : Value("merges") as string[] ?? throw Missing("merges", "a list of strings");

    /// <summary>The error of an entry that is missing or of another type than expected.</summary>
    public static TokenizerFormatException Missing(string key, string expected) => new($"GGUF metadata: {Prefix}{key} has to be {expected}.");

    private object? Value(string key) => metadata.GetValueOrDefault(Prefix + key);

    private T[]? PerToken<T>(string key)
    {
        if (Value(key) is not { } value) return null;
        return value is T[] list && list.Length == Tokens.Length ? list : throw Missing(key, $"a list of {Tokens.Length} numbers, one for each token");
    }
}
