using LowRank.Models.Tokenization.Normalization;
using LowRank.Models.Tokenization.Patterns;

namespace LowRank.Models.Tests.Tokenization.Normalization;

/// <summary>Texts and places as the unit tests of Hugging Face tokenizers (normalizer.rs) state them.</summary>
public class TextNormalizerTests
{
    [Fact]
    public void Lowercase_makes_two_of_the_dotted_capital_i() => Check(new LowercaseNormalizer(), "İAß", "i\u0307aß", "0-1 0-1 1-2 2-3");

    [Fact]
    public void Strip_takes_white_space_at_both_ends() => Check(new StripNormalizer(left: true, right: true), " \u3000 a b\n", "a b", "3-4 4-5 5-6");

    [Fact]
    public void Strip_of_white_space_leaves_nothing() => Check(new StripNormalizer(left: true, right: true), " \t ", "", "");

    [Fact]
    public void Accents_go_where_they_are_marks() => Check(new StripAccentsNormalizer(), "e\u0301x\u0323", "ex", "0-1 2-3");

    [Fact]
    public void Leading_marks_go_too() => Check(new StripAccentsNormalizer(), "\u0301\u0301ab", "ab", "2-3 3-4");

    [Fact]
    public void A_prefix_stands_for_the_first_character() => Check(new PrependNormalizer("\u2581\u2581"), "é!", "\u2581\u2581é!", "0-1 0-1 0-1 1-2");

    [Fact]
    public void A_prefix_needs_a_text() => Check(new PrependNormalizer("x"), "", "", "");

    [Fact]
    public void A_replacement_stands_for_the_last_that_went() =>
        Check(new ReplaceNormalizer(TextPatterns.FromRegex(" {2,}", "test"), "_!"), "a   b", "a_!b", "0-1 3-4 3-4 4-5");

    [Fact]
    public void A_replacement_may_be_nothing() => Check(new ReplaceNormalizer(TextPatterns.FromLiteral("x", "test"), ""), "xaxx", "a", "1-2");

    [Fact]
    public void Nmt_drops_controls_and_evens_blanks() => Check(new NmtNormalizer(), "a\u0001\tb\u200B", "a b ", "0-1 2-3 3-4 4-5");

    [Fact]
    public void Bytes_get_their_stand_ins() => Check(new ByteLevelNormalizer(), " é", "ĠÃ©", "0-1 1-2 1-2");

    [Fact]
    public void A_sequence_runs_in_order() =>
        Check(new NormalizerSequence([new UnicodeNormalizer(compose: false, compatible: false), new StripAccentsNormalizer(), new LowercaseNormalizer()]), "ÉA", "ea", "0-1 1-2");

    private static void Check(Normalizer normalizer, string text, string expected, string places) =>
        Assert.Equal((expected, places), UnicodeNormalizerTests.Apply(normalizer, text));
}
