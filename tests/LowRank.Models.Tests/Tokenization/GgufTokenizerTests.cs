using System.Text;
using System.Text.Json;
using LowRank.Formats;
using LowRank.Models.Tokenization;
using LowRank.Testing;

namespace LowRank.Models.Tests.Tokenization;

public class GgufTokenizerTests
{
    [Fact]
    [Trait("Category", "RealModel")]
    public void The_real_file_gives_the_tokens_of_the_original_tokenizer()
    {
        using var file = GgufFile.Open(RealModels.Require(RealModels.SmolLM2));
        var folder = Golden.At("tokenizers", "smollm2");
        Assert.SkipUnless(Directory.Exists(folder), "the root has no tokenizers/smollm2");
        var converted = Tokenizer.FromJson(GgufTokenizer.ToTokenizerJson(file.Metadata), "converted");
        var rows = File.ReadAllText(Path.Combine(folder, "encode.jsonl")).Split('\n').Where(l => l.Length > 0).Select(l => JsonDocument.Parse(l).RootElement).ToArray();
        Assert.NotEmpty(rows);
        foreach (var row in rows)
        {
            var encoding = converted.EncodeWithOffsets(row.GetProperty("text").GetString()!);
            Assert.Equal(row.GetProperty("ids").EnumerateArray().Select(i => i.GetInt32()), encoding.Ids);
            Assert.Equal(row.GetProperty("offsets").EnumerateArray().Select(o => (o[0].GetInt32(), o[1].GetInt32())), encoding.Offsets);
        }
        var original = Tokenizer.Load(folder);
        Assert.Equal(original.AddedTokens, converted.AddedTokens);
        Assert.Equal(original.VocabularySize, converted.VocabularySize);
    }

    [Fact]
    [Trait("Category", "RealModel")]
    public void The_real_file_gives_the_configuration_of_the_original_folder()
    {
        using var file = GgufFile.Open(RealModels.Require(RealModels.SmolLM2));
        var folder = Golden.At("tokenizers", "smollm2");
        Assert.SkipUnless(Directory.Exists(folder), "the root has no tokenizers/smollm2");
        var (config, original) = (GgufTokenizer.ToConfig(file.Metadata), TokenizerConfig.Load(folder));
        Assert.Equal(original.SpecialTokens, config.SpecialTokens);
        Assert.Equal(original.ChatTemplate, config.ChatTemplate);
        Assert.Equal(original.EosTokenIds, config.EosTokenIds);
        Assert.Equal((false, false), (config.AddBosToken, config.AddEosToken));
    }

    /// <summary>A tokenizer.json that transformers made from a SentencePiece model: as scores again, it has to give the same merges.</summary>
    [Fact]
    [Trait("Category", "Golden")]
    public void Scores_give_the_merges_that_transformers_derives()
    {
        var path = Golden.At("tokenizers", "llama2", "tokenizer.json");
        Assert.SkipUnless(File.Exists(path), "the root has no tokenizers/llama2 (its licence keeps it out of the repository)");
        using var json = JsonDocument.Parse(File.ReadAllBytes(path));
        var tokens = json.RootElement.GetProperty("model").GetProperty("vocab").EnumerateObject().OrderBy(p => p.Value.GetInt32()).Select(p => p.Name).ToArray();
        var types = tokens.Select((t, i) => i == 0 ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1).ToArray();
        // The scores of the original model: 0 for the first 259, then 1 less for each, and runs of spaces last of all.
        var scores = tokens.Select((t, i) => i < 259 ? 0f : t.Length > 1 && t.All(c => c == '\u2581') ? -1e9f : 259f - i).ToArray();
        var metadata = new Dictionary<string, object>
        {
            ["tokenizer.ggml.model"] = "llama",
            ["tokenizer.ggml.tokens"] = tokens,
            ["tokenizer.ggml.token_type"] = types,
            ["tokenizer.ggml.scores"] = scores,
            ["tokenizer.ggml.bos_token_id"] = 1u,
            ["tokenizer.ggml.eos_token_id"] = 2u,
            ["tokenizer.ggml.unknown_token_id"] = 0u,
        };
        using var converted = JsonDocument.Parse(GgufTokenizer.ToTokenizerJson(metadata));
        var expected = json.RootElement.GetProperty("model").GetProperty("merges").EnumerateArray().Select(m => m.GetString()!).ToArray();
        var merges = converted.RootElement.GetProperty("model").GetProperty("merges").EnumerateArray().Select(m => m[0].GetString() + " " + m[1].GetString()).ToArray();
        Assert.Equal(expected, merges);
        foreach (var section in (string[])["normalizer", "pre_tokenizer", "post_processor", "decoder", "added_tokens"])
            Assert.True(JsonElement.DeepEquals(json.RootElement.GetProperty(section), converted.RootElement.GetProperty(section)), section);
        Assert.True(GgufTokenizer.ToConfig(metadata).AddBosToken);
    }

    [Fact]
    public void A_small_sentence_piece_vocabulary_encodes_by_score()
    {
        string[] tokens = ["<unk>", "<s>", "</s>", "<0xC3>", "<0xA9>", "\u2581", "a", "b", "ab", "\u2581a", "\u2581ab"];
        var metadata = new Dictionary<string, object>
        {
            ["tokenizer.ggml.model"] = "llama",
            ["tokenizer.ggml.tokens"] = tokens,
            ["tokenizer.ggml.token_type"] = new[] { 2, 3, 3, 6, 6, 1, 1, 1, 1, 1, 1 },
            ["tokenizer.ggml.scores"] = new[] { 0f, 0, 0, 0, 0, -1, -2, -3, -4, -5, -6 },
            ["tokenizer.ggml.bos_token_id"] = 1u,
        };
        var tokenizer = Tokenizer.FromJson(GgufTokenizer.ToTokenizerJson(metadata), "made up");
        Assert.Equal([10, 3, 4, 9], tokenizer.Encode("abé a"));
        Assert.Equal([1, 10], tokenizer.Encode("ab", addSpecialTokens: true));
        Assert.Equal("abé a", tokenizer.Decode([10, 3, 4, 9]));
    }

    [Theory]
    [InlineData("llama-bpe", "12345", "123|45")]
    [InlineData("qwen2", "12345", "1|2|3|4|5")]
    [InlineData("gpt-2", "12345", "12345")]
    [InlineData("deepseek-v3", "ab中文!x", "ab|中文|!x")]
    [InlineData("gpt-4o", "HelloWorld it's", "Hello|World| it's")]
    [InlineData("tekken", "HelloWORLDs 12", "Hello|WORLDs| |1|2")]
    public void A_named_pre_tokenizer_cuts_as_the_original(string pre, string text, string expected)
    {
        // Every word that should come out is one token with all the merges that make it; anything else stays in bytes.
        var words = expected.Split('|').Distinct().ToArray();
        var standIns = words.Select(w => string.Concat(Encoding.UTF8.GetBytes(w).Select(Models.Tokenization.Bpe.ByteAlphabet.ToChar))).ToArray();
        var tokens = Enumerable.Range(0, 256).Select(b => Models.Tokenization.Bpe.ByteAlphabet.ToChar((byte)b).ToString()).ToList();
        var merges = new List<string>();
        foreach (var word in standIns)
            for (var length = 2; length <= word.Length; length++)
            {
                if (!tokens.Contains(word[..length])) tokens.Add(word[..length]);
                merges.Add($"{word[..(length - 1)]} {word[length - 1]}");
            }
        var tokenizer = Tokenizer.FromJson(GgufTokenizer.ToTokenizerJson(new Dictionary<string, object>
        {
            ["tokenizer.ggml.model"] = "gpt2",
            ["tokenizer.ggml.pre"] = pre,
            ["tokenizer.ggml.tokens"] = tokens.ToArray(),
            ["tokenizer.ggml.merges"] = merges.Distinct().ToArray(),
        }), "made up");
        Assert.Equal(expected, string.Join('|', tokenizer.Encode(text).Select(id => tokenizer.Decode([id]))));
    }

    [Theory]
    [InlineData("tokenizer.ggml.model", "bert", "tokenizer.ggml.model 'bert'")]
    [InlineData("tokenizer.ggml.pre", "nonesuch", "tokenizer.ggml.pre 'nonesuch'")]
    public void What_is_not_known_is_refused_by_name(string key, string value, string named)
    {
        var metadata = new Dictionary<string, object> { ["tokenizer.ggml.model"] = "gpt2", ["tokenizer.ggml.tokens"] = new[] { "a" }, ["tokenizer.ggml.merges"] = Array.Empty<string>() };
        metadata[key] = value;
        var error = Assert.Throws<UnsupportedTokenizerFeatureException>(() => GgufTokenizer.ToTokenizerJson(metadata));
        Assert.Equal(named, error.Feature);
    }

    [Fact]
    public void What_is_missing_or_wrong_is_said_with_its_key()
    {
        Assert.Contains("tokenizer.ggml.tokens", Assert.Throws<TokenizerFormatException>(() => GgufTokenizer.ToTokenizerJson(new Dictionary<string, object>())).Message, StringComparison.Ordinal);
        var metadata = new Dictionary<string, object> { ["tokenizer.ggml.model"] = "gpt2", ["tokenizer.ggml.tokens"] = new[] { "a" }, ["tokenizer.ggml.eos_token_id"] = 7u };
        Assert.Contains("eos_token_id", Assert.Throws<TokenizerFormatException>(() => GgufTokenizer.ToConfig(metadata)).Message, StringComparison.Ordinal);
        Assert.Contains("merges", Assert.Throws<TokenizerFormatException>(() => GgufTokenizer.ToTokenizerJson(metadata)).Message, StringComparison.Ordinal);
    }
}
