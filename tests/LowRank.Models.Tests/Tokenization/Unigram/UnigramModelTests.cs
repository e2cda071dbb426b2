using System.Globalization;
using System.Text;
using System.Text.Json;
using CsCheck;
using LowRank.Models.Tokenization;

namespace LowRank.Models.Tests.Tokenization.Unigram;

/// <summary>What the goldens do not have; expectations follow the Rust sources of tokenizers 0.23.</summary>
public class UnigramModelTests
{
    [Fact]
    public void The_most_probable_cut_is_taken_and_of_equal_ones_the_longer_first_token()
    {
        Assert.Equal("ab c", Cut(Make(("<unk>", 0), ("a", -1), ("b", -1), ("c", -1), ("ab", -1.5), ("bc", -2)), "abc"));
        Assert.Equal("a bc", Cut(Make(("<unk>", 0), ("a", -1), ("b", -1), ("c", -1), ("ab", -1.5), ("bc", -1.25)), "abc"));
        // Both cost 3: what reached the end first stays.
        Assert.Equal("a bc", Cut(Make(("<unk>", 0), ("a", -1), ("c", -1), ("ab", -2), ("bc", -2)), "abc"));
    }

    [Fact]
    public void Unknown_characters_are_one_token_and_cost_ten_more_than_the_least_probable()
    {
        var tokenizer = Make(("<unk>", 0), ("a", -1), ("éa", -12.5));
        var encoding = tokenizer.EncodeWithOffsets("éüaéa");
        // é alone is unknown: -12.5 - 10 - 1 loses against -12.5.
        Assert.Equal("<unk> a éa", string.Join(' ', encoding.Ids.Select(tokenizer.IdToToken)));
        Assert.Equal([(0, 2), (2, 3), (3, 5)], encoding.Offsets);
    }

    [Fact]
    public void Unknown_text_becomes_its_bytes_where_the_vocabulary_has_them_all()
    {
        var tokenizer = Make(byteFallback: true, ("<unk>", 0), ("a", -1), ("<0xC3>", -2), ("<0xA9>", -2));
        var encoding = tokenizer.EncodeWithOffsets("aéa");
        Assert.Equal([1, 2, 3, 1], encoding.Ids);
        Assert.Equal([(0, 1), (1, 2), (1, 2), (2, 3)], encoding.Offsets);
        Assert.Equal([1, 0, 1], tokenizer.Encode("aéüa")); // ü has a byte that is missing, so the whole run is unknown
        Assert.Equal(encoding.Offsets, tokenizer.EncodeWithOffsets("aéa").Offsets);
    }

    [Fact]
    public void Without_an_unknown_token_unknown_text_is_an_error()
    {
        var tokenizer = Make(byteFallback: false, unknown: null, ("a", -1));
        Assert.Equal([0, 0], tokenizer.Encode("aa"));
        Assert.Contains("model.unk_id is missing", Assert.Throws<TokenizerFormatException>(() => tokenizer.Encode("ab")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_equal_entries_the_last_counts_and_all_ids_decode()
    {
        var tokenizer = Make(("<unk>", 0), ("a", -1), ("a", -2), ("b", -1));
        Assert.Equal([2, 3], tokenizer.Encode("ab"));
        Assert.Equal(("a", "a", 4), (tokenizer.IdToToken(1), tokenizer.IdToToken(2), tokenizer.VocabularySize));
    }

    [Fact]
    public void A_file_without_types_is_told_by_its_list_of_scores() =>
        Assert.Equal([1], Tokenizer.FromJson("""{"model": {"unk_id": 0, "vocab": [["u", 0.0], ["ab", -1.0]]}}"""u8, "made up").Encode("ab"));

    /// <summary>Viterbi's algorithm against trying every cut.</summary>
    [Fact]
    public void No_other_cut_is_more_probable()
    {
        string[] pieces = ["a", "b", "ab", "ba", "aab", "bb", "abab", "é"];
        var scores = pieces.Select((p, i) => -1.0 - i * 0.37 % 1.9).ToArray();
        var tokenizer = Make([("<unk>", 0), .. pieces.Zip(scores)]);
        Gen.Char["abé"].Array[1, 10].Sample(letters =>
        {
            var text = new string(letters);
            var sum = tokenizer.Encode(text).Sum(id => scores[id - 1]);
            Assert.Equal(Best(text), sum, 9); // sums of at most ten scores, in another order
        }, iter: 500);

        double Best(string rest) => rest.Length == 0 ? 0
            : Enumerable.Range(0, pieces.Length).Where(i => rest.StartsWith(pieces[i], StringComparison.Ordinal)).Max(i => scores[i] + Best(rest[pieces[i].Length..]));
    }

    private static string Cut(Tokenizer tokenizer, string text) => string.Join(' ', tokenizer.Encode(text).Select(tokenizer.IdToToken));

    private static Tokenizer Make(params (string Token, double Score)[] vocabulary) => Make(byteFallback: false, 0, vocabulary);

    private static Tokenizer Make(bool byteFallback, params (string Token, double Score)[] vocabulary) => Make(byteFallback, 0, vocabulary);

    private static Tokenizer Make(bool byteFallback, int? unknown, params (string Token, double Score)[] vocabulary)
    {
        var entries = string.Join(", ", vocabulary.Select(v => string.Create(CultureInfo.InvariantCulture, $"[{JsonSerializer.Serialize(v.Token)}, {v.Score}]")));
        var id = unknown?.ToString(CultureInfo.InvariantCulture) ?? "null";
        return Tokenizer.FromJson(Encoding.UTF8.GetBytes($$"""{"model": {"type": "Unigram", "unk_id": {{id}}, "byte_fallback": {{(byteFallback ? "true" : "false")}}, "vocab": [{{entries}}] } }"""), "made up");
    }
}
