using System.Text.Json;
using System.Text.Json.Nodes;
using LowRank.Models.Export;
using LowRank.Models.Families;
using LowRank.Models.Tokenization;
using LowRank.Models.Tokenization.Gguf;
using LowRank.Testing;

namespace LowRank.Models.Tests.Export;

/// <summary>Tokenizers of Hugging Face folders as GGUF metadata, and read back.</summary>
public sealed class GgufTokenizerDescriptionTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    // Real ones: those with a configuration beside them.
    public static IEnumerable<TheoryDataRow<string>> Tokenizers => Golden.Cases("gguf/tokenizer", !Directory.Exists(Golden.At("tokenizers")) ? []
        : Directory.GetDirectories(Golden.At("tokenizers")).Where(d => File.Exists(Path.Combine(d, "tokenizer_config.json"))).Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal));

    [Theory, MemberData(nameof(Tokenizers)), Trait("Category", "Golden")]
    public void Read_back_gives_the_same_tokens(string name)
    {
        var source = Golden.At("tokenizers", name);
        var original = Tokenizer.Load(source);
        const int spare = 7; // rows of an embedding that no token has
        var rows = 1 + Math.Max(original.VocabularySize - 1, original.AddedTokens.Max(t => t.Id)) + spare;
        var metadata = Describe(source, rows);
        var converted = Tokenizer.FromJson(GgufTokenizer.ToTokenizerJson(metadata), "converted");
        foreach (var line in File.ReadAllText(Path.Combine(source, "encode.jsonl")).Split('\n').Where(l => l.Length > 0))
        {
            using var row = JsonDocument.Parse(line);
            var ids = row.RootElement.GetProperty("ids");
            var special = row.RootElement.TryGetProperty("ids_special", out var other) ? other : ids;
            var text = row.RootElement.GetProperty("text").GetString()!;
            Assert.Equal(ids.EnumerateArray().Select(i => i.GetInt32()), converted.Encode(text));
            Assert.Equal(special.EnumerateArray().Select(i => i.GetInt32()), converted.Encode(text, addSpecialTokens: true));
        }
        var (config, read) = (TokenizerConfig.Load(source), GgufTokenizer.ToConfig(metadata));
        Assert.Equal((config.BosToken, config.EosToken, config.ChatTemplate), (read.BosToken, read.EosToken, read.ChatTemplate));
        var (tokens, types) = ((string[])metadata["tokenizer.ggml.tokens"], (int[])metadata["tokenizer.ggml.token_type"]);
        Assert.Equal((rows, $"[PAD{rows - 1}]", 5), (tokens.Length, tokens[^1], types[^1]));
    }

    // llama.cpp's names; that of SmolLM2 is in the reference data of its export, the others follow from its table of hashes.
    [Theory, Trait("Category", "Golden")]
    [InlineData("smollm2", "smollm", "855059429035d75a914d1eda9f10a876752e281a054a7a3d421ef0533e5b6249")]
    [InlineData("qwen3", "qwen2", "e636dc30a262dcc0d8c323492e32ae2b70728f4df7dfe9737d9f920a282b8aea")]
    [InlineData("llama3_1", "llama-bpe", "0ef9807a4087ebef797fc749390439009c3b9eda9ad1a097abbe738f486c01e5")]
    public void The_pre_tokenizer_has_the_name_of_llama_cpp(string name, string pre, string hash)
    {
        Assert.SkipUnless(Directory.Exists(Golden.At("tokenizers", name)), $"absent: tokenizers/{name}");
        Assert.Equal(pre, Describe(Golden.At("tokenizers", name), 160_000)["tokenizer.ggml.pre"]);
        Assert.Equal(hash, GgufPreTokenizerProbe.Hash(Tokenizer.Load(Golden.At("tokenizers", name))));
    }

    [Fact]
    public void A_vocabulary_that_no_hash_knows_is_named_by_its_rules() => Assert.Equal("smollm", Describe(Required("synthetic-bytelevel"), 400)["tokenizer.ggml.pre"]);

    [Theory]
    [InlineData("pre_tokenizer", """{"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": "x+"}, "behavior": "Isolated", "invert": false}, {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]}""", "has the rules of no name of tokenizer.ggml.pre")]
    [InlineData("pre_tokenizer", """{"type": "ByteLevel", "add_prefix_space": true, "use_regex": true}""", "ByteLevel with these settings")]
    [InlineData("normalizer", """{"type": "NFKC"}""", "normalizer NFKC")]
    public void Rules_without_a_name_are_refused(string part, string value, string message)
    {
        Rewrite(Required("synthetic-bytelevel"), json => json[part] = JsonNode.Parse(value));
        Assert.Contains(message, Assert.Throws<UnsupportedTokenizerFeatureException>(() => Describe(folder, 400)).Message, StringComparison.Ordinal);
    }

    // Merges that were trained as such: a pair that makes up a token is missing, or comes in another order than its token.
    [Fact]
    public void Merges_that_scores_cannot_say_are_refused()
    {
        Rewrite(Required("synthetic-metaspace"), json => json["model"]!["merges"]!.AsArray().RemoveAt(40));
        Assert.Contains("do not follow from scores", Assert.Throws<UnsupportedTokenizerFeatureException>(() => Describe(folder, 500)).Message, StringComparison.Ordinal);
    }

    // The scores that the original model of Llama 2 has: 0 for the first 259 tokens, then one less for each, and runs of spaces last of all.
    [Fact, Trait("Category", "Golden")]
    public void Scores_of_a_SentencePiece_model_are_taken_over()
    {
        var source = Required("llama2");
        foreach (var file in new[] { "tokenizer.json", "tokenizer_config.json" }) File.Copy(Path.Combine(source, file), Path.Combine(folder, file));
        var tokens = (string[])Describe(source, 32_000)["tokenizer.ggml.tokens"];
        var want = tokens.Select((t, i) => i < 259 ? 0f : t.Length > 1 && t.All(c => c == '▁') ? -1e9f : 259f - i).ToArray();
        using (var model = new BinaryWriter(File.Create(Path.Combine(folder, "tokenizer.model"))))
        {
            model.Write([0x12, 2, 1, 1, 0x18, 0x96, 1, 0x25, 0, 0, 0, 0]); // other fields of the message: bytes, a number, four bytes
            foreach (var (token, score) in tokens.Zip(want))
            {
                var utf8 = System.Text.Encoding.UTF8.GetBytes(token);
                model.Write([0x0A, (byte)(utf8.Length + 9), 0x0A, (byte)utf8.Length, .. utf8, 0x15, .. BitConverter.GetBytes(score), 0x18, 1]);
            }
        }
        var metadata = Describe(folder, 32_000);
        Assert.Equal(want.Skip(3), ((float[])metadata["tokenizer.ggml.scores"]).Skip(3)); // the first three are added tokens, which have -1000
        Assert.Equal(-1000f, ((float[])metadata["tokenizer.ggml.scores"])[1]);

        File.WriteAllBytes(Path.Combine(folder, "tokenizer.model"), [0x0A, 20, 1]);
        Assert.Contains("no SentencePiece model", Assert.Throws<TokenizerFormatException>(() => Describe(folder, 32_000)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void More_tokens_than_the_embedding_has_rows_are_refused() =>
        Assert.Contains("the model's embedding has 100 rows", Assert.Throws<TokenizerFormatException>(() => Describe(Required("synthetic-bytelevel"), 100)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_beginning_that_readers_would_add_is_denied_where_the_tokenizer_adds_none()
    {
        Rewrite(Required("synthetic-bytelevel"), json =>
        {
            json["pre_tokenizer"] = JsonNode.Parse("""{"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": ""}, "behavior": "Isolated", "invert": false}, {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]}""");
            json["pre_tokenizer"]!["pretokenizers"]![0]!["pattern"]!["Regex"] = LowRank.Models.Tokenization.Patterns.Cl100kPattern.ThreeDigits;
            json["model"]!["ignore_merges"] = true;
        });
        var metadata = Describe(folder, 400);
        Assert.Equal(("llama-bpe", false), (metadata["tokenizer.ggml.pre"], metadata["tokenizer.ggml.add_bos_token"]));
    }

    private string Required(string name)
    {
        Assert.SkipUnless(Directory.Exists(Golden.At("tokenizers", name)), $"absent: tokenizers/{name}");
        return Golden.At("tokenizers", name);
    }

    private void Rewrite(string source, Action<JsonNode> change)
    {
        var json = JsonNode.Parse(File.ReadAllText(Path.Combine(source, "tokenizer.json")))!;
        change(json);
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), json.ToJsonString());
    }

    private static Dictionary<string, object> Describe(string folder, long rows)
    {
        var metadata = new GgufMetadataBuilder { Architecture = "qwen2" };
        GgufTokenizerDescription.Add(metadata, new ModelConfig(new JsonObject { ["model_type"] = "qwen2" }, "config"), folder, rows);
        return metadata.Pairs.ToDictionary(p => p.Key, p => p.Value, StringComparer.Ordinal);
    }
}
