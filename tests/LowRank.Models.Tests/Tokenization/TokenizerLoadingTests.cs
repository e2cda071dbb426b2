using System.Text;
using LowRank.Models.Tokenization;
using LowRank.Testing;

namespace LowRank.Models.Tests.Tokenization;

public class TokenizerLoadingTests
{
    private const string Damage = "\"{}[],: 0123456789abcdefghijklmn\\\u0080";

    private const string Model = """{"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}""";

    [Theory]
    [InlineData("""{"model": {"type": "Odd", "vocab": {}}}""", "model Odd")]
    [InlineData("""{"model": {"type": "Unigram", "unk_id": 0, "vocab": [["a", 0.0]], "alpha": 0.1}}""", "model.alpha")]
    [InlineData("""{"model": {"type": "BPE", "dropout": 0.1, "vocab": {}, "merges": []}}""", "model.dropout")]
    [InlineData($$"""{"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Odd"}]}, "model": {{Model}}}""", "normalizer.normalizers[1]: normalizer Odd")]
    [InlineData($$"""{"pre_tokenizer": {"type": "UnicodeScripts"}, "model": {{Model}}}""", "pre_tokenizer: pre-tokenizer UnicodeScripts")]
    [InlineData($$"""{"decoder": {"type": "CTC"}, "model": {{Model}}}""", "decoder: decoder CTC")]
    [InlineData($$"""{"post_processor": {"type": "Odd"}, "model": {{Model}}}""", "post_processor: post-processor Odd")]
    public void What_is_not_supported_is_refused_by_name(string json, string feature) =>
        Assert.Equal(feature, Assert.Throws<UnsupportedTokenizerFeatureException>(() => FromJson(json)).Feature);

    [Theory]
    [InlineData("", "line 1")]
    [InlineData("{\n\"model\": {\n\"vocab\": {\"a\": 0, }", "line 3")]
    [InlineData("[]", "an object was expected")]
    [InlineData("{}", "it has no model")]
    [InlineData("""{"model": {"type": "BPE", "merges": []}}""", "model.vocab")]
    [InlineData("""{"model": {"type": "BPE", "vocab": {}}}""", "model.merges")]
    [InlineData("""{"model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}}""", "vocab[\"a\"]")]
    [InlineData("""{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a"]}}""", "merges[0]")]
    [InlineData("""{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a a"]}}""", "'aa'")]
    [InlineData("""{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [["a"]]}}""", "merges[0]")]
    [InlineData("""{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [], "fuse_unk": 3}}""", "fuse_unk")]
    [InlineData("""{"model": {"type": "Unigram", "vocab": {}}}""", "model.vocab has to be a list of tokens and scores")]
    [InlineData("""{"model": {"type": "Unigram", "vocab": [["a", 0.0], ["b"]]}}""", "model.vocab[1]")]
    [InlineData("""{"model": {"type": "Unigram", "unk_id": 1, "vocab": [["a", 0.0]]}}""", "model.unk_id has to be the id of one of the 1 tokens")]
    [InlineData("""{"model": {"type": "WordPiece", "unk_token": "u", "max_input_chars_per_word": 9, "vocab": {}}}""", "model.continuing_subword_prefix")]
    [InlineData("""{"model": {"type": "WordLevel", "unk_token": "u", "vocab": {"a": -1}}}""", "model.vocab[\"a\"]")]
    [InlineData($$"""{"normalizer": {"type": "Precompiled", "precompiled_charsmap": ""}, "model": {{Model}}}""", "normalizer.precompiled_charsmap")]
    [InlineData($$"""{"normalizer": {"type": "Precompiled", "precompiled_charsmap": "/////w=="}, "model": {{Model}}}""", "normalizer.precompiled_charsmap")]
    [InlineData($$"""{"pre_tokenizer": {"type": "Split", "behavior": "Isolated"}, "model": {{Model}}}""", "pre_tokenizer.pattern")]
    [InlineData($$"""{"pre_tokenizer": {"type": "Split", "pattern": {"String": "x"}, "behavior": "Odd"}, "model": {{Model}}}""", "pre_tokenizer.behavior")]
    [InlineData($$"""{"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "("}, "behavior": "Isolated"}, "model": {{Model}}}""", "regular expression")]
    [InlineData($$"""{"pre_tokenizer": {"type": "FixedLength", "length": 0}, "model": {{Model}}}""", "pre_tokenizer.length has to be a whole number from 1")]
    [InlineData($$"""{"decoder": {"type": "Strip", "content": " ", "start": -1, "stop": 0}, "model": {{Model}}}""", "decoder.start has to be a whole number from 0")]
    [InlineData($$"""{"added_tokens": [{"id": 0}], "model": {{Model}}}""", "added_tokens[0].content")]
    [InlineData($$"""{"decoder": 3, "model": {{Model}}}""", "decoder")]
    [InlineData("""{"model": {"vocab": {"\ud83d": 0}, "merges": []}}""", "surrogate")]
    [InlineData($$"""{"decoder": {"type": "\ud83d"}, "model": {{Model}}}""", "surrogate")]
    public void What_is_wrong_is_said_with_file_and_place(string json, string named)
    {
        var message = Assert.ThrowsAny<TokenizerFormatException>(() => FromJson(json)).Message;
        Assert.Contains("made-up.json", message, StringComparison.Ordinal);
        Assert.Contains(named, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"model": {"merges": ["a b"], "vocab": {"a": 0, "b": 1, "ab": 2}, "type": "BPE"}}""")]
    [InlineData("""{"model": {"vocab": {"\u0061": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]]}, "extra": [1, {}]}""")]
    [InlineData("\uFEFF{\"model\": {\"vocab\": {\"a\": 0, \"b\": 1, \"ab\": 2}, \"merges\": [\"#version: 0.2\", \"a b\"], \"dropout\": 0.0}}")]
    public void Keys_may_come_in_any_order_and_merges_in_both_forms(string json) => Assert.Equal([2, 0], FromJson(json).Encode("aba"));

    [Fact]
    public void A_missing_file_says_what_is_needed()
    {
        var message = Assert.Throws<TokenizerFormatException>(() => Tokenizer.Load(Path.Combine(Path.GetTempPath(), "no-such-folder"))).Message;
        Assert.Contains("no-such-folder", message, StringComparison.Ordinal);
    }

    /// <summary>Whatever is cut or changed in a tokenizer file, the answer is a tokenizer or a typed error, never another exception.</summary>
    [Theory]
    [InlineData("synthetic-metaspace2")]
    [InlineData("synthetic-unigram")]
    [InlineData("synthetic-wordpiece")]
    public void A_damaged_file_never_crashes(string name)
    {
        var path = Golden.At("tokenizers", name, "tokenizer.json");
        Assert.SkipUnless(File.Exists(path), $"the root has no tokenizers/{name}");
        var good = File.ReadAllBytes(path);
        var random = new Random(3);
        var loaded = 0;
        for (var i = 0; i < 3000; i++)
        {
            var bytes = good.ToArray();
            for (var n = random.Next(1, 3); n > 0; n--) bytes[random.Next(bytes.Length)] = (byte)Damage[random.Next(Damage.Length)];
            if (random.Next(20) == 0) bytes = bytes[..random.Next(bytes.Length)];
            try
            {
                Tokenizer.FromJson(bytes, "damaged").Encode("the quiet river é");
                loaded++;
            }
            catch (TokenizerFormatException)
            {
                // The expected answer to a file that is none.
            }
        }
        Assert.InRange(loaded, 100, 2900);
    }

    // Sixty doublings of a word would take an exabyte: a hostile file ends in an error before it has taken memory or time.
    [Theory]
    [InlineData("pre_tokenizer", "pretokenizers", """{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}""")]
    [InlineData("normalizer", "normalizers", """{"type": "Replace", "pattern": {"String": "é"}, "content": "éé"}""")]
    public void A_text_that_is_made_longer_again_and_again_is_refused(string section, string list, string part)
    {
        var tokenizer = FromJson($$"""{"{{section}}": {"type": "Sequence", "{{list}}": [{{string.Join(',', Enumerable.Repeat(part, 60))}}]}, "model": {{Model}}}""");
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("again and again", Assert.Throws<TokenizerFormatException>(() => tokenizer.Encode("é")).Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 0, 16 << 20);
    }

    private static Tokenizer FromJson(string json) => Tokenizer.FromJson(Encoding.UTF8.GetBytes(json), "made-up.json");
}
