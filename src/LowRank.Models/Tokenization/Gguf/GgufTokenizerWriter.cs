using System.Text.Encodings.Web;
using System.Text.Json;

namespace LowRank.Models.Tokenization.Gguf;

/// <summary>Writes the tokenizer.json that a GGUF vocabulary means.</summary>
internal sealed class GgufTokenizerWriter(GgufVocabulary vocabulary)
{
    private const string Mark = "\u2581";
    private readonly string[] _tokens = vocabulary.Tokens;
    private readonly int[]? _types = vocabulary.TokenTypes();

    /// <summary>The file as UTF-8.</summary>
    public byte[] Write()
    {
        var sentencePiece = vocabulary.Model switch
        {
            "gpt2" => false,
            "llama" => true,
            var model => throw new UnsupportedTokenizerFeatureException($"tokenizer.ggml.model '{model}'", "GGUF metadata"),
        };
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("version", "1.0");
            json.WriteNull("truncation");
            json.WriteNull("padding");
            WriteAddedTokens(json);
            if (sentencePiece) WriteSentencePiece(json);
            else WriteByteLevel(json);
            json.WriteEndObject();
        }
        return stream.ToArray();
    }

    private void WriteAddedTokens(Utf8JsonWriter json)
    {
        json.WriteStartArray("added_tokens");
        for (var id = 0; id < _tokens.Length; id++)
        {
            if (Type(id) is not (GgufVocabulary.Unknown or GgufVocabulary.Control or GgufVocabulary.UserDefined)) continue;
            json.WriteStartObject();
            json.WriteNumber("id", id);
            json.WriteString("content", _tokens[id]);
            foreach (var flag in (ReadOnlySpan<string>)["single_word", "lstrip", "rstrip", "normalized"]) json.WriteBoolean(flag, false);
            json.WriteBoolean("special", Type(id) != GgufVocabulary.UserDefined);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private void WriteByteLevel(Utf8JsonWriter json)
    {
        var pre = GgufPreTokenizer.Named(vocabulary.Text("pre"));
        if (pre.Nfc)
        {
            json.WriteStartObject("normalizer");
            json.WriteString("type", "NFC");
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("normalizer");
        }
        pre.Write(json);
        WriteTemplate(json, vocabulary.Flag("add_bos_token") ?? pre.AddBosByDefault);
        json.WriteStartObject("decoder");
        GgufPreTokenizer.WriteByteLevel(json, addPrefixSpace: true, useRegex: true);
        json.WriteEndObject();
        var merges = vocabulary.Merges() ?? throw GgufVocabulary.Missing("merges", "a list of strings for the model gpt2");
        WriteModel(json, unknown: null, byteFallback: false, pre.IgnoreMerges, merges.Select(Pair));
    }

    private void WriteSentencePiece(Utf8JsonWriter json)
    {
        var prefix = vocabulary.Flag("add_space_prefix") ?? true;
        json.WriteStartObject("normalizer");
        json.WriteString("type", "Sequence");
        json.WriteStartArray("normalizers");
        if (prefix) WriteObject(json, ("type", "Prepend"), ("prepend", Mark));
        WriteReplace(json, " ", Mark);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteNull("pre_tokenizer");
        WriteTemplate(json, vocabulary.Flag("add_bos_token") ?? true);
        json.WriteStartObject("decoder");
        json.WriteString("type", "Sequence");
        json.WriteStartArray("decoders");
        WriteReplace(json, Mark, " ");
        WriteObject(json, ("type", "ByteFallback"));
        WriteObject(json, ("type", "Fuse"));
        if (prefix)
        {
            json.WriteStartObject();
            json.WriteString("type", "Strip");
            json.WriteString("content", " ");
            json.WriteNumber("start", 1);
            json.WriteNumber("stop", 0);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
        var merges = vocabulary.Merges() is { Length: > 0 } given ? given.Select(Pair)
            : ScoreMerges.Derive(_tokens, vocabulary.Scores() ?? throw GgufVocabulary.Missing("scores", "a list of numbers for the model llama"),
                id => Type(id) is not (GgufVocabulary.Unknown or GgufVocabulary.Control or GgufVocabulary.Byte));
        WriteModel(json, vocabulary.TokenOf("unknown_token_id") ?? (Array.IndexOf(_tokens, "<unk>") >= 0 ? "<unk>" : null), byteFallback: true, ignoreMerges: false, merges);
    }

    private void WriteTemplate(Utf8JsonWriter json, bool addBos)
    {
        string?[] around = [addBos ? vocabulary.TokenOf("bos_token_id") : null, vocabulary.Flag("add_eos_token") == true ? vocabulary.TokenOf("eos_token_id") : null];
        json.WriteStartObject("post_processor");
        json.WriteString("type", "TemplateProcessing");
        foreach (var (key, sequences) in (ReadOnlySpan<(string, string)>)[("single", "A"), ("pair", "AB")])
        {
            json.WriteStartArray(key);
            foreach (var sequence in sequences)
            {
                var typeId = sequence - 'A';
                WritePiece(json, "SpecialToken", around[0], typeId);
                WritePiece(json, "Sequence", sequence.ToString(), typeId);
                WritePiece(json, "SpecialToken", around[1], typeId);
            }
            json.WriteEndArray();
        }
        json.WriteStartObject("special_tokens");
        foreach (var token in around.OfType<string>().Distinct())
        {
            json.WriteStartObject(token);
            json.WriteString("id", token);
            json.WriteStartArray("ids");
            json.WriteNumberValue(Array.IndexOf(_tokens, token));
            json.WriteEndArray();
            json.WriteStartArray("tokens");
            json.WriteStringValue(token);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WritePiece(Utf8JsonWriter json, string kind, string? id, int typeId)
    {
        if (id is null) return;
        json.WriteStartObject();
        json.WriteStartObject(kind);
        json.WriteString("id", id);
        json.WriteNumber("type_id", typeId);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void WriteModel(Utf8JsonWriter json, string? unknown, bool byteFallback, bool ignoreMerges, IEnumerable<(string Left, string Right)> merges)
    {
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        json.WriteNull("dropout");
        json.WriteString("unk_token", unknown);
        json.WriteNull("continuing_subword_prefix");
        json.WriteNull("end_of_word_suffix");
        json.WriteBoolean("fuse_unk", byteFallback);
        json.WriteBoolean("byte_fallback", byteFallback);
        json.WriteBoolean("ignore_merges", ignoreMerges);
        json.WriteStartObject("vocab");
        for (var id = 0; id < _tokens.Length; id++) json.WriteNumber(_tokens[id], id);
        json.WriteEndObject();
        json.WriteStartArray("merges");
        foreach (var (left, right) in merges)
        {
            json.WriteStartArray();
            json.WriteStringValue(left);
            json.WriteStringValue(right);
            json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteReplace(Utf8JsonWriter json, string pattern, string content)
    {
        json.WriteStartObject();
        json.WriteString("type", "Replace");
        json.WriteStartObject("pattern");
        json.WriteString("String", pattern);
        json.WriteEndObject();
        json.WriteString("content", content);
        json.WriteEndObject();
    }

    private static void WriteObject(Utf8JsonWriter json, params ReadOnlySpan<(string Key, string Value)> properties)
    {
        json.WriteStartObject();
        foreach (var (key, value) in properties) json.WriteString(key, value);
        json.WriteEndObject();
    }

    private int Type(int id) => _types?[id] ?? (_tokens[id] == "<unk>" ? GgufVocabulary.Unknown : 1);

    private static (string Left, string Right) Pair(string merge, int rank)
    {
        var space = merge.IndexOf(' ', 1);
        return space > 0 && space < merge.Length - 1 ? (merge[..space], merge[(space + 1)..])
            : throw GgufVocabulary.Missing($"merges[{rank}]", "two tokens with a space between");
    }
}
