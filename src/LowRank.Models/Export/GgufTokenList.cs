using System.Globalization;
using LowRank.Models.Tokenization;
using LowRank.Models.Tokenization.Gguf;
using LowRank.Models.Tokenization.Loading;

namespace LowRank.Models.Export;

/// <summary>The tokens of a tokenizer.json in the order of their ids with llama.cpp's kinds, filled up to the rows of the embedding.</summary>
internal sealed class GgufTokenList
{
    private const int Normal = 1, Unused = 5;

    /// <summary>Reads them.</summary>
    /// <param name="root">The whole tokenizer.json.</param>
    /// <param name="rows">Rows of the embedding.</param>
    /// <exception cref="TokenizerFormatException">An id lies beyond the embedding.</exception>
    public GgufTokenList(JsonPart root, long rows)
    {
        var model = root.Object("model") ?? throw root.Missing("model", "an object");
        var bytes = model.Flag("byte_fallback", false);
        Tokens = new string[rows];
        Types = new int[rows];
        foreach (var (token, value) in model.Object("vocab")?.Properties() ?? throw model.Missing("vocab", "an object"))
        {
            var id = Within(root, token, value.TryGetInt32(out var number) ? number : throw model.Missing($"vocab.{token}", "a whole number"));
            (Tokens[id], Types[id]) = (token, bytes && IsByte(token) ? GgufVocabulary.Byte : Normal);
        }
        foreach (var added in root.Value("added_tokens") is null ? [] : root.List("added_tokens"))
        {
            var content = added.String("content");
            var id = Within(root, content, added.Integer("id"));
            var control = added.Flag("special", false) || LooksSpecial(content);
            // Control tokens are found as they are; others are looked for in the text, where a space is a space.
            (Tokens[id], Types[id]) = (control ? content : content.Replace('▁', ' '), control ? GgufVocabulary.Control : GgufVocabulary.UserDefined);
        }
        for (var id = 0; id < Tokens.Length; id++)
            if (Tokens[id] is null) (Tokens[id], Types[id]) = (string.Create(CultureInfo.InvariantCulture, $"[PAD{id}]"), Unused);
    }

    /// <summary>The tokens.</summary>
    public string[] Tokens { get; }

    /// <summary>Their kinds (llama.cpp, <c>enum llama_token_type</c>).</summary>
    public int[] Types { get; }

    /// <summary>Whether merges may make the token.</summary>
    public bool IsText(int id) => Types[id] is Normal or GgufVocabulary.UserDefined or Unused;

    private int Within(JsonPart root, string token, int id) => id >= 0 && id < Tokens.Length ? id
        : throw new TokenizerFormatException($"{root.Source}: token '{token}' has the id {id}, but the model's embedding has {Tokens.Length} rows: they do not belong together.");

    private static bool IsByte(string token) => token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>' && char.IsAsciiHexDigit(token[3]) && char.IsAsciiHexDigit(token[4]);

    // Some models mark tokens as plain that are meant as control tokens (llama.cpp, does_token_look_special).
    private static bool LooksSpecial(string token) => token is "<pad>" or "<mask>" or "<2mass>" or "[@BOS@]" || IsFramed(token, "<|", "|>") || IsFramed(token, "<｜", "｜>") || IsFramed(token, "<unused", ">");

    private static bool IsFramed(string token, string start, string end) => token.StartsWith(start, StringComparison.Ordinal) && token.EndsWith(end, StringComparison.Ordinal);
}
