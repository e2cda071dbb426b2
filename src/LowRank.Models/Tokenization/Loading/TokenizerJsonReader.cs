using System.Text.Json;

namespace LowRank.Models.Tokenization.Loading;

/// <summary>
/// Reads a tokenizer.json in one pass: vocabulary and merges, megabytes of them, go straight into their tables; the other sections
/// are small and become objects first.
/// </summary>
internal static class TokenizerJsonReader
{
    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>Reads the parts of a tokenizer.</summary>
    public static TokenizerParts Read(ReadOnlySpan<byte> utf8, string source)
    {
        if (utf8.StartsWith(ByteOrderMark)) utf8 = utf8[ByteOrderMark.Length..];
        if (!System.Text.Unicode.Utf8.IsValid(utf8)) throw new TokenizerFormatException($"{source}: not a tokenizer.json: it is not UTF-8 text. The file may be damaged: fetch it again.");
        try
        {
            return ReadParts(utf8, source);
        }
        catch (JsonException e)
        {
            throw new TokenizerFormatException($"{source}: not a tokenizer.json: line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}: {e.Message}", e);
        }
        catch (InvalidOperationException e) when (e.Source?.StartsWith("System.Text.Json", StringComparison.Ordinal) == true)
        {
            throw new TokenizerFormatException($"{source}: not a tokenizer.json: a string has half a surrogate pair as \\u escape.", e);
        }
    }

    private static TokenizerParts ReadParts(ReadOnlySpan<byte> utf8, string source)
    {
        var reader = new Utf8JsonReader(utf8);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new TokenizerFormatException($"{source}: not a tokenizer.json: an object was expected.");
        TokenModel? model = null;
        var sections = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            if (key == "model" && reader.TokenType == JsonTokenType.StartObject) model = TokenModelReader.Read(ref reader, utf8.Length, source);
            else sections[key] = JsonElement.ParseValue(ref reader);
        }
        if (model is null) throw new TokenizerFormatException($"{source}: not a tokenizer.json: it has no model.");
        return Build(model, sections, source);
    }

    private static TokenizerParts Build(TokenModel model, Dictionary<string, JsonElement> sections, string source)
    {
        var normalizer = Section(sections, "normalizer", source) is { } n ? NormalizerReader.Read(n) : null;
        var preTokenizers = new PreTokenizerReader(model.TakesRawBytes);
        var preTokenizer = Section(sections, "pre_tokenizer", source) is { } p ? preTokenizers.Read(p) : null;
        var postProcessor = Section(sections, "post_processor", source) is { } q ? PostProcessorReader.Read(q) : PostProcessing.PostProcessor.None;
        var decoder = Section(sections, "decoder", source) is { } d ? DecoderReader.Read(d) : null;
        var added = new AddedVocabulary(AddedTokens(sections, source), model, normalizer);
        // Places in the original are known without alignment as long as nothing has rewritten the text before.
        var needsAlignment = preTokenizers.NeedsOriginalPlaces && (normalizer is not null || preTokenizer is PreTokenization.PreTokenizerSequence);
        return new TokenizerParts(model, added, preTokenizer, postProcessor, decoder, preTokenizers.RawBytes, needsAlignment);
    }

    private static JsonPart? Section(Dictionary<string, JsonElement> sections, string key, string source)
    {
        if (!sections.TryGetValue(key, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        return value.ValueKind == JsonValueKind.Object ? new JsonPart(value, key, source)
            : throw new TokenizerFormatException($"{source}: {key} has to be an object, not {value.ValueKind}.");
    }

    private static IEnumerable<AddedToken> AddedTokens(Dictionary<string, JsonElement> sections, string source)
    {
        if (!sections.TryGetValue("added_tokens", out var list) || list.ValueKind == JsonValueKind.Null) return [];
        if (list.ValueKind != JsonValueKind.Array) throw new TokenizerFormatException($"{source}: added_tokens has to be a list, not {list.ValueKind}.");
        return list.EnumerateArray().Select((item, i) => item.ValueKind == JsonValueKind.Object ? AddedToken(new JsonPart(item, $"added_tokens[{i}]", source))
            : throw new TokenizerFormatException($"{source}: added_tokens[{i}] has to be an object, not {item.ValueKind}."));
    }

    private static AddedToken AddedToken(JsonPart part) => new(
        part.Integer("id"), part.String("content"), part.Flag("single_word"), part.Flag("lstrip"), part.Flag("rstrip"), part.Flag("normalized"), part.Flag("special"));
}
