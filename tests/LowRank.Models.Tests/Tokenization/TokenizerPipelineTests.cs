using System.Text;
using System.Text.Json;
using LowRank.Models.Tokenization;

namespace LowRank.Models.Tests.Tokenization;

/// <summary>Parts of the pipeline that the goldens do not have, on made-up tokenizers; expectations follow the Rust sources of tokenizers 0.23.</summary>
public class TokenizerPipelineTests
{
    private const string Letters = "abcdefghijklmnopqrstuvwxyz";

    [Theory]
    [InlineData("""{"type": "Split", "pattern": {"String": "-"}, "behavior": "Removed", "invert": false}""", "the-final--countdown", "the|final|countdown")]
    [InlineData("""{"type": "Split", "pattern": {"String": "-"}, "behavior": "Isolated", "invert": false}""", "the-final--countdown", "the|-|final|-|-|countdown")]
    [InlineData("""{"type": "Split", "pattern": {"String": "-"}, "behavior": "MergedWithPrevious", "invert": false}""", "the-final--countdown", "the-|final-|-|countdown")]
    [InlineData("""{"type": "Split", "pattern": {"String": "-"}, "behavior": "MergedWithNext", "invert": false}""", "the-final--countdown", "the|-final|-|-countdown")]
    [InlineData("""{"type": "Split", "pattern": {"String": "-"}, "behavior": "Contiguous", "invert": false}""", "the-final--countdown", "the|-|final|--|countdown")]
    [InlineData("""{"type": "Split", "pattern": {"Regex": "\\w+"}, "behavior": "Removed", "invert": true}""", "how are  you", "how|are|you")]
    [InlineData("""{"type": "Whitespace"}""", "Hey man, x_1!  ok", "Hey|man|,|x_1|!|ok")]
    [InlineData("""{"type": "WhitespaceSplit"}""", " Hey\u3000man!  ok ", "Hey|man!|ok")]
    [InlineData("""{"type": "Punctuation"}""", "Hey! ok.", "Hey|!| ok|.")]
    [InlineData("""{"type": "Punctuation", "behavior": "Contiguous"}""", "Hey!? ok", "Hey|!?| ok")]
    [InlineData("""{"type": "Digits", "individual_digits": false}""", "a123b4", "a|123|b|4")]
    [InlineData("""{"type": "Digits", "individual_digits": true}""", "a12½", "a|1|2|½")]
    [InlineData("""{"type": "CharDelimiterSplit", "delimiter": "·"}""", "a·b··c", "a|b|c")]
    [InlineData("""{"type": "FixedLength", "length": 2}""", "aé😀bc", "aé|😀b|c")]
    [InlineData("""{"type": "BertPreTokenizer"}""", "it's a test.", "it|'|s|a|test|.")]
    [InlineData("""{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"}""", "Hey my  friend", "▁Hey|▁my|▁|▁friend")]
    [InlineData("""{"type": "Metaspace", "replacement": "▁", "add_prefix_space": false, "prepend_scheme": "never"}""", "Hey my", "Hey|▁my")]
    [InlineData("""{"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Punctuation"}]}""", "Hey, man", "Hey|,|man")]
    [InlineData("""{"type": "Sequence", "pretokenizers": [{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true}, {"type": "Digits", "individual_digits": true}]}""", "é 12", "ĠÃ©|Ġ|1|2")]
    [InlineData("""{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}""", "it's é", "Ġit|'s|ĠÃ©")]
    public void Pre_tokenizers_cut_as_the_reference(string preTokenizer, string text, string expected)
    {
        // A word that is in the vocabulary as a whole comes out as one token, with ignore_merges.
        var words = expected.Split('|').Distinct().ToArray();
        var tokenizer = Make(words, ("pre_tokenizer", preTokenizer));
        Assert.Equal(expected, string.Join('|', tokenizer.Encode(text).Select(tokenizer.IdToToken)));
        Assert.Equal(tokenizer.Encode(text), tokenizer.EncodeWithOffsets(text).Ids);
    }

    [Theory]
    [InlineData("single_word", "xlamp lamp,lamp lamp1 lamp\u0301 lamp", "6-10 11-15 28-32")]
    [InlineData("lstrip", "a \u3000lamp lamp b", "1-7 7-12")]
    [InlineData("rstrip", "a lamp \t b", "2-9")]
    [InlineData("lstrip rstrip", "lamp  lamp", "0-6 6-10")]
    [InlineData("", " lamplamp ", "1-5 5-9")]
    public void Added_tokens_take_what_their_flags_say(string flags, string text, string places)
    {
        var set = string.Concat(((string[])["single_word", "lstrip", "rstrip"]).Select(f => $"\"{f}\": {Json(flags.Split(' ').Contains(f))}, "));
        var tokenizer = Make([.. text.Select(c => c.ToString()).Distinct()], ("added_tokens", "[{\"id\": 0, \"content\": \"lamp\", " + set + "\"normalized\": false, \"special\": true}]"));
        var id = tokenizer.TokenToId("lamp")!.Value;
        var encoding = tokenizer.EncodeWithOffsets(text);
        Assert.Equal(places, string.Join(' ', encoding.Ids.Zip(encoding.Offsets).Where(t => t.First == id).Select(t => $"{t.Second.Start}-{t.Second.End}")));
        // Nothing is lost between them.
        Assert.Equal(0, encoding.Offsets[0].Start);
        Assert.All(encoding.Offsets.Zip(encoding.Offsets.Skip(1)), pair => Assert.Equal(pair.First.End, pair.Second.Start));
        Assert.Equal(text.Length, encoding.Offsets[^1].End);
    }

    [Fact]
    public void The_longest_of_the_added_tokens_wins()
    {
        var tokenizer = Make([.. Letters.Select(c => c.ToString())], ("added_tokens", Added("ab", "abc", "bcd")));
        Assert.Equal(["abc", "d", "ab", "x", "bcd"], tokenizer.Encode("abcdabxbcd").Select(tokenizer.IdToToken));
    }

    [Fact]
    public void A_normalized_token_is_found_in_normalized_text()
    {
        var tokenizer = Make([.. Letters.Select(c => c.ToString()), " "], ("normalizer", """{"type": "Lowercase"}"""),
            ("added_tokens", """[{"id": 0, "content": "Day", "single_word": false, "lstrip": false, "rstrip": false, "normalized": true, "special": false}, {"id": 0, "content": "DAY", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": false}]"""));
        var (day, plain) = (tokenizer.TokenToId("Day")!.Value, tokenizer.TokenToId("DAY")!.Value);
        var encoding = tokenizer.EncodeWithOffsets("dAy DAYx");
        Assert.Equal([day, tokenizer.TokenToId(" ")!.Value, plain, tokenizer.TokenToId("x")!.Value], encoding.Ids);
        Assert.Equal([(0, 3), (3, 4), (4, 7), (7, 8)], encoding.Offsets);
        // What it was normalized to stands for it.
        Assert.Equal("day", tokenizer.IdToToken(day));
    }

    [Fact]
    public void Ids_of_added_tokens_follow_the_vocabulary()
    {
        var tokenizer = Make(["a", "b"], ("added_tokens", Added("b", "<x>", "<y>")));
        Assert.Equal(4, tokenizer.VocabularySize);
        Assert.Equal([1, 2, 3], tokenizer.AddedTokens.Select(t => t.Id));
        Assert.Equal(3, tokenizer.TokenToId("<y>"));
        Assert.Null(tokenizer.TokenToId("<z>"));
        Assert.Null(tokenizer.IdToToken(4));
        Assert.Null(tokenizer.IdToToken(-1));
        Assert.True(tokenizer.IsSpecial(2));
        Assert.False(tokenizer.IsSpecial(0));
    }

    [Theory]
    [InlineData(true, "0 2 0", "0-2 2-3 3-4")]
    [InlineData(false, "0 0 2 0", "0-1 1-2 2-3 3-4")]
    public void Unknown_characters_may_be_fused(bool fuse, string ids, string places)
    {
        var json = "{\"model\": {\"type\": \"BPE\", \"unk_token\": \"?\", \"fuse_unk\": " + Json(fuse) + ", \"vocab\": {\"?\": 0, \"a\": 1, \"x\": 2}, \"merges\": []}}";
        var encoding = Tokenizer.FromJson(Encoding.UTF8.GetBytes(json), "made up").EncodeWithOffsets("zéx中");
        Assert.Equal(ids, string.Join(' ', encoding.Ids));
        Assert.Equal(places, string.Join(' ', encoding.Offsets.Select(o => $"{o.Start}-{o.End}")));
    }

    [Fact]
    public void Without_an_unknown_token_what_is_unknown_vanishes_and_places_move()
    {
        var tokenizer = Make(["a", "b"]);
        var encoding = tokenizer.EncodeWithOffsets("azb");
        Assert.Equal([0, 1], encoding.Ids);
        Assert.Equal([(0, 1), (1, 2)], encoding.Offsets);
    }

    [Fact]
    public void Subwords_may_be_marked_by_prefix_and_suffix()
    {
        const string json = """{"model": {"type": "BPE", "continuing_subword_prefix": "##", "end_of_word_suffix": "</w>", "vocab": {"a": 0, "##b": 1, "##c</w>": 2, "ab": 3, "abc</w>": 4, "a</w>": 5}, "merges": ["a ##b", "ab ##c</w>"]}, "decoder": {"type": "BPEDecoder", "suffix": "</w>"}, "pre_tokenizer": {"type": "WhitespaceSplit"}}""";
        var tokenizer = Tokenizer.FromJson(Encoding.UTF8.GetBytes(json), "made up");
        Assert.Equal([4, 5], tokenizer.Encode("abc a"));
        Assert.Equal("abc a", tokenizer.Decode([4, 5]));
    }

    [Theory]
    [InlineData("""{"type": "RobertaProcessing", "sep": ["b", 1], "cls": ["a", 0], "trim_offsets": true, "add_prefix_space": false}""", "0 2 1")]
    [InlineData("""{"type": "BertProcessing", "sep": ["b", 1], "cls": ["a", 0]}""", "0 2 1")]
    [InlineData("""{"type": "Sequence", "processors": [{"type": "ByteLevel", "trim_offsets": false}, {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "a", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "ab", "type_id": 0}}], "pair": [], "special_tokens": {"a": {"id": "a", "ids": [0], "tokens": ["a"]}, "ab": {"id": "ab", "ids": [0, 1], "tokens": ["a", "b"]}}}]}""", "0 2 0 1")]
    public void Post_processors_put_their_tokens_around_the_text(string postProcessor, string expected)
    {
        var tokenizer = Make(["a", "b", "c"], ("post_processor", postProcessor));
        Assert.Equal(expected, string.Join(' ', tokenizer.Encode("c", addSpecialTokens: true)));
        Assert.Equal([2], tokenizer.Encode("c"));
        var encoding = tokenizer.EncodeWithOffsets("c", addSpecialTokens: true);
        Assert.Equal(expected, string.Join(' ', encoding.Ids));
        Assert.All(encoding.Offsets.Where((_, i) => encoding.Ids[i] != 2), o => Assert.Equal((0, 0), o));
    }

    [Fact]
    public void Offsets_are_trimmed_of_spaces_where_the_file_says_so()
    {
        const string byteLevel = """{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}""";
        var tokenizer = Make(["Ġ", "Ġab", "ĠĠ", "ab"], ("pre_tokenizer", byteLevel), ("post_processor", byteLevel));
        Assert.Equal([(1, 3), (4, 6)], tokenizer.EncodeWithOffsets(" ab ab").Offsets);
        Assert.Equal([(0, 2), (3, 3), (4, 6)], tokenizer.EncodeWithOffsets("ab  ab").Offsets);
    }

    [Fact]
    public void A_space_put_in_front_has_no_place_of_its_own()
    {
        const string byteLevel = """{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}""";
        var tokenizer = Make(["Ġab", "ĠĠ", "Ġ"], ("pre_tokenizer", byteLevel), ("post_processor", byteLevel));
        Assert.Equal([(0, 2), (3, 5)], tokenizer.EncodeWithOffsets("ab ab").Offsets);
        Assert.Equal([(0, 3), (4, 6)], tokenizer.EncodeWithOffsets(" ab ab").Offsets);
    }

    [Theory]
    [InlineData("""{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"}""", "a b")]
    [InlineData("""{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never"}""", " a b")]
    [InlineData("""{"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"Regex": "▁"}, "content": "-"}, {"type": "Fuse"}, {"type": "Strip", "content": "-", "start": 2, "stop": 0}]}""", "a-b")]
    [InlineData("null", "▁a ▁b")]
    public void Decoders_join_tokens(string decoder, string expected) => Assert.Equal(expected, Make(["▁a", "▁b"], ("decoder", decoder)).Decode([0, 1, 99, -1]));

    [Theory]
    [InlineData("")]
    [InlineData("▁▁")]
    public void A_mark_of_metaspace_is_one_character(string mark)
    {
        var error = Assert.Throws<TokenizerFormatException>(() => Make(["a"], ("decoder", $$"""{"type": "Metaspace", "replacement": "{{mark}}", "prepend_scheme": "always"}""")));
        Assert.Contains("replacement", error.Message, StringComparison.Ordinal);
        Assert.Contains("one character", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_no_text_give_one_replacement_each()
    {
        var tokenizer = Make(["<0xE4>", "<0xB8>", "<0xAD>", "x"], ("decoder", """{"type": "ByteFallback"}"""));
        Assert.Equal("中", tokenizer.Decode([0, 1, 2]));
        Assert.Equal("\uFFFD\uFFFDx", tokenizer.Decode([0, 1, 3]));
        var stream = tokenizer.CreateStreamingDecoder();
        Assert.Equal([null, null, "中", "x"], new[] { 0, 1, 2, 3 }.Select(stream.Next));
    }

    [Fact]
    public void A_long_text_without_spaces_is_one_word_and_still_fast()
    {
        var tokenizer = Make(["a", "aa", "aaaa"], merges: ["a a", "aa aa"]);
        var ids = tokenizer.Encode(new string('a', 200_003));
        Assert.Equal(50_000 + 2, ids.Length);
    }

    private static string Json(bool value) => value ? "true" : "false";

    private static string Added(params string[] contents) => "[" + string.Join(", ", contents.Select(c =>
        $$"""{"id": 0, "content": "{{c}}", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}""")) + "]";

    private static Tokenizer Make(string[] tokens, params (string Key, string Json)[] sections) => Make(tokens, [], sections);

    private static Tokenizer Make(string[] tokens, string[] merges, params (string Key, string Json)[] sections)
    {
        var vocabulary = string.Join(", ", tokens.Select((t, i) => $"{JsonSerializer.Serialize(t)}: {i}"));
        var json = $$"""{ {{string.Concat(sections.Select(s => $"\"{s.Key}\": {s.Json}, "))}} "model": {"type": "BPE", "ignore_merges": {{Json(merges.Length == 0)}}, "vocab": { {{vocabulary}} }, "merges": {{JsonSerializer.Serialize(merges)}} } }""";
        return Tokenizer.FromJson(Encoding.UTF8.GetBytes(json), "made up");
    }
}
