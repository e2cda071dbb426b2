using LowRank.Models.Tokenization.Normalization;

namespace LowRank.Models.Tokenization.Loading;

/// <summary>Builds the <c>normalizer</c>.</summary>
internal static class NormalizerReader
{
    /// <summary>Builds it, or refuses it by name.</summary>
    public static Normalizer Read(JsonPart part) => part.Type switch
    {
        "Sequence" => new NormalizerSequence([.. part.List("normalizers").Select(Read)]),
        "NFC" => new UnicodeNormalizer(compose: true, compatible: false),
        "NFD" => new UnicodeNormalizer(compose: false, compatible: false),
        "NFKC" => new UnicodeNormalizer(compose: true, compatible: true),
        "NFKD" => new UnicodeNormalizer(compose: false, compatible: true),
        "Lowercase" => new LowercaseNormalizer(),
        "StripAccents" => new StripAccentsNormalizer(),
        "Strip" => new StripNormalizer(part.Flag("strip_left"), part.Flag("strip_right")),
        "Prepend" => new PrependNormalizer(part.String("prepend")),
        "Replace" => new ReplaceNormalizer(PatternReader.Read(part), part.String("content")),
        "Nmt" => new NmtNormalizer(),
        "BertNormalizer" => Bert(part),
        "Precompiled" => Precompiled(part),
        "ByteLevel" => new ByteLevelNormalizer(),
        var type => throw part.Unsupported($"normalizer {type}"),
    };

    private static BertNormalizer Bert(JsonPart part)
    {
        var lowercase = part.Flag("lowercase");
        return new BertNormalizer(part.Flag("clean_text"), part.Flag("handle_chinese_chars"), part.Flag("strip_accents", lowercase), lowercase);
    }

    private static PrecompiledNormalizer Precompiled(JsonPart part)
    {
        var text = part.String("precompiled_charsmap");
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var length) && CharsMap.TryRead(bytes.AsSpan(0, length)) is { } map ? new PrecompiledNormalizer(map)
            : throw part.Missing("precompiled_charsmap", "the compiled rules of SentencePiece in base64");
    }
}
