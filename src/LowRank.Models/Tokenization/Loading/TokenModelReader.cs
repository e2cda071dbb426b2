using System.Text;
using System.Text.Json;
using LowRank.Models.Tokenization.Bpe;
using LowRank.Models.Tokenization.Unigram;
using LowRank.Models.Tokenization.WordPiece;

namespace LowRank.Models.Tokenization.Loading;

/// <summary>Reads the <c>model</c> section of a tokenizer.json.</summary>
internal static class TokenModelReader
{
    /// <summary>Reads the object that the reader stands at, and leaves the reader at its end.</summary>
    /// <param name="reader">The reader.</param>
    /// <param name="length">Number of bytes of the file, from which the size of the tables is guessed.</param>
    /// <param name="source">The file, for errors.</param>
    public static TokenModel Read(ref Utf8JsonReader reader, int length, string source)
    {
        var type = TypeOf(reader);
        if (type is not ("Unigram" or "WordPiece" or "WordLevel")) return BpeModelReader.Read(ref reader, length, source);
        var part = new JsonPart(JsonElement.ParseValue(ref reader), "model", source);
        return type switch
        {
            "Unigram" => ReadUnigram(part),
            "WordPiece" => new WordPieceModel(ReadWords(part), part.String("unk_token"), part.String("continuing_subword_prefix"), part.Integer("max_input_chars_per_word"), source),
            _ => new WordLevelModel(ReadWords(part), part.String("unk_token"), source),
        };
    }

    /// <summary>The type that the model names; a file of before the types, which has none, is told by the keys that only one kind has.</summary>
    private static string TypeOf(Utf8JsonReader reader)
    {
        var guess = "WordLevel";
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString();
            reader.Read();
            if (key == "type" && reader.TokenType == JsonTokenType.String) return reader.GetString()!;
            guess = (key, reader.TokenType) switch
            {
                ("merges" or "type", _) => "BPE",
                ("vocab", JsonTokenType.StartArray) => "Unigram",
                ("max_input_chars_per_word", _) when guess == "WordLevel" => "WordPiece",
                _ => guess,
            };
            reader.Skip();
        }
        return guess;
    }

    private static UnigramModel ReadUnigram(JsonPart part)
    {
        foreach (var sampling in (ReadOnlySpan<string>)["alpha", "nbest_size"])
            if (part.Value(sampling) is { } value && !(value.ValueKind == JsonValueKind.Number && value.GetDouble() == 0))
                throw new UnsupportedTokenizerFeatureException($"model.{sampling}", part.Source);
        if (part.Value("vocab") is not { ValueKind: JsonValueKind.Array } list) throw part.Missing("vocab", "a list of tokens and scores");
        var scores = new double[list.GetArrayLength()];
        var tokens = new TokenTable(scores.Length, scores.Length * 8);
        var id = 0;
        foreach (var pair in list.EnumerateArray())
        {
            if (pair.ValueKind != JsonValueKind.Array || pair.GetArrayLength() != 2 || pair[0].ValueKind != JsonValueKind.String || pair[1].ValueKind != JsonValueKind.Number)
                throw part.Missing($"vocab[{id}]", "a token and its score");
            scores[id] = pair[1].GetDouble();
            tokens.Add(Encoding.UTF8.GetBytes(pair[0].GetString()!), id++, keepEarlierId: true);
        }
        tokens.Freeze();
        int? unknown = part.Value("unk_id") is null ? null : part.Integer("unk_id");
        if (unknown < 0 || unknown >= scores.Length) throw part.Missing("unk_id", $"the id of one of the {scores.Length} tokens");
        return new UnigramModel(tokens, scores, unknown, part.Flag("byte_fallback", false), part.Source);
    }

    private static TokenTable ReadWords(JsonPart part)
    {
        if (part.Value("vocab") is not { ValueKind: JsonValueKind.Object } words) throw part.Missing("vocab", "an object of tokens and ids");
        var tokens = new TokenTable(words.GetPropertyCount(), words.GetPropertyCount() * 8);
        foreach (var word in words.EnumerateObject())
        {
            if (word.Value.ValueKind != JsonValueKind.Number || !word.Value.TryGetInt32(out var id) || id is < 0 or > BpeModelReader.LargestId)
                throw part.Missing($"vocab[\"{word.Name}\"]", "a token id");
            tokens.Add(Encoding.UTF8.GetBytes(word.Name), id);
        }
        tokens.Freeze();
        return tokens;
    }
}
