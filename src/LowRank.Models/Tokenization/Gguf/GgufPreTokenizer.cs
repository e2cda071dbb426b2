using System.Text.Json;
using LowRank.Models.Tokenization.Patterns;

namespace LowRank.Models.Tokenization.Gguf;

/// <summary>
/// What <c>tokenizer.ggml.pre</c> means: llama.cpp names the pre-tokenizers of byte-level vocabularies, and each name stands for the
/// normalizer and pre-tokenizer of the original tokenizer.json.
/// </summary>
internal sealed record GgufPreTokenizer(string[] Splits, bool Digits = false, bool Nfc = false, bool IgnoreMerges = false, bool AddBosByDefault = false)
{
    private const string O200k =
        @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private const string Tekken =
        @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private static readonly string[] DeepSeek3 =
    [
        @"\p{N}{1,3}",
        "[一-龥぀-ゟ゠-ヿ]+",
        @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    ];

    /// <summary>The pre-tokenizer of a name; a file that names none is as old as GPT-2's.</summary>
    public static GgufPreTokenizer Named(string? name) => name switch
    {
        null or "default" or "gpt-2" or "gpt2" or "phi-2" or "olmo" or "mpt" or "jina-v2-code" => new([]),
        "smollm" or "starcoder" or "refact" or "command-r" or "codeshell" or "exaone" or "minerva-7b" => new([], Digits: true),
        "llama-bpe" or "llama3" or "llama-v3" or "falcon3" => new([Cl100kPattern.ThreeDigits], IgnoreMerges: true, AddBosByDefault: true),
        "smaug-bpe" or "dbrx" => new([Cl100kPattern.ThreeDigits]),
        "qwen2" or "deepseek-r1-qwen" => new([Cl100kPattern.SingleDigits], Nfc: true),
        "stablelm2" => new([Cl100kPattern.SingleDigits]),
        "gpt-4o" => new([O200k]),
        "tekken" => new([Tekken], IgnoreMerges: true, AddBosByDefault: true),
        "deepseek-v3" => new(DeepSeek3),
        _ => throw new UnsupportedTokenizerFeatureException($"tokenizer.ggml.pre '{name}'", "GGUF metadata"),
    };

    /// <summary>Writes the <c>pre_tokenizer</c> section.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject("pre_tokenizer");
        json.WriteString("type", "Sequence");
        json.WriteStartArray("pretokenizers");
        if (Digits)
        {
            json.WriteStartObject();
            json.WriteString("type", "Digits");
            json.WriteBoolean("individual_digits", true);
            json.WriteEndObject();
        }
        foreach (var split in Splits)
        {
            json.WriteStartObject();
            json.WriteString("type", "Split");
            json.WriteStartObject("pattern");
            json.WriteString("Regex", split);
            json.WriteEndObject();
            json.WriteString("behavior", "Isolated");
            json.WriteBoolean("invert", false);
            json.WriteEndObject();
        }
        json.WriteStartObject();
        WriteByteLevel(json, addPrefixSpace: false, useRegex: Splits.Length == 0);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Writes the content of a ByteLevel object.</summary>
    public static void WriteByteLevel(Utf8JsonWriter json, bool addPrefixSpace, bool useRegex)
    {
        json.WriteString("type", "ByteLevel");
        json.WriteBoolean("add_prefix_space", addPrefixSpace);
        json.WriteBoolean("trim_offsets", true);
        json.WriteBoolean("use_regex", useRegex);
    }
}
