using LowRank.Models.Tokenization;

namespace LowRank.Models.Tests.Tokenization.WordPiece;

/// <summary>What the goldens do not have; expectations follow the Rust sources of tokenizers 0.23.</summary>
public class WordPieceModelTests
{
    private const string Bert = """
        {"normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": false},
         "pre_tokenizer": {"type": "BertPreTokenizer"}, "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
         "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 5,
                   "vocab": {"[UNK]": 0, "un": 1, "##aff": 2, "##able": 3, "##a": 4, "É": 5, "E": 6, "中": 7, "u": 8, ".": 9, "do": 10, "not": 11, "##n": 12, "'": 13, "s": 14}}}
        """;

    private readonly Tokenizer tokenizer = Tokenizer.FromJson(System.Text.Encoding.UTF8.GetBytes(Bert), "made up");

    [Theory]
    [InlineData("unaff", "1 2", "0-2 2-5")]
    [InlineData("unx", "0", "0-3")] // the rest cannot be made up: the whole word is unknown
    [InlineData("unable", "0", "0-6")] // longer than five characters
    [InlineData("É", "5", "0-1")] // accents stay where letters keep their case
    [InlineData("中u", "7 8", "0-1 1-2")]
    [InlineData("u\u0000n\u200D\uE000\u00A0u", "1 8", "0-3 6-7")] // controls, format and private use characters go away
    public void Words_are_cut_by_the_longest_match(string text, string ids, string places)
    {
        var encoding = tokenizer.EncodeWithOffsets(text);
        Assert.Equal(ids, string.Join(' ', encoding.Ids));
        Assert.Equal(places, string.Join(' ', encoding.Offsets.Select(o => $"{o.Start}-{o.End}")));
    }

    [Theory]
    [InlineData("8 12 9", "un.")]
    [InlineData("10 11", "do not")] // the cleanup sees one token at a time
    [InlineData("8 13 14", "u ' s")]
    [InlineData("2 1", "##aff un")] // what comes first keeps its prefix
    public void Tokens_are_joined_with_spaces_cleaned_up(string ids, string text) =>
        Assert.Equal(text, tokenizer.Decode([.. ids.Split(' ').Select(i => int.Parse(i, System.Globalization.CultureInfo.InvariantCulture))]));

    [Fact]
    public void WordLevel_takes_whole_words_only()
    {
        var words = Tokenizer.FromJson("""{"pre_tokenizer": {"type": "WhitespaceSplit"}, "model": {"type": "WordLevel", "unk_token": "?", "vocab": {"?": 0, "lamp": 1}}}"""u8, "made up");
        Assert.Equal([1, 0, 1], words.Encode("lamp lamps lamp"));
        Assert.Equal("lamp ?", words.Decode([1, 0]));
    }

    [Theory]
    [InlineData("""{"model": {"type": "WordLevel", "unk_token": "?", "vocab": {"lamp": 0}}}""")]
    [InlineData("""{"model": {"type": "WordPiece", "unk_token": "?", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": {"lamp": 0}}}""")]
    public void An_unknown_word_needs_the_unknown_token(string json)
    {
        var words = Tokenizer.FromJson(System.Text.Encoding.UTF8.GetBytes(json), "made-up.json");
        Assert.Equal([0], words.Encode("lamp"));
        Assert.Contains("made-up.json: model.unk_token '?' is not in the vocabulary", Assert.Throws<TokenizerFormatException>(() => words.Encode("x")).Message, StringComparison.Ordinal);
    }
}
