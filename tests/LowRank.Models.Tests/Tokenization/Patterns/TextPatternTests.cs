using System.Text;
using CsCheck;
using LowRank.Models.Tokenization;
using LowRank.Models.Tokenization.Patterns;
using LowRank.Models.Tokenization.Patterns.Regex;

namespace LowRank.Models.Tests.Tokenization.Patterns;

public class TextPatternTests
{
    [Theory]
    [InlineData(Gpt2Pattern.Source)]
    [InlineData(Cl100kPattern.ThreeDigits)]
    [InlineData(Cl100kPattern.SingleDigits)]
    public void A_scanner_by_hand_finds_what_the_general_engine_finds(string pattern)
    {
        var byHand = TextPatterns.FromRegex(pattern, "test");
        Assert.IsNotType<RegexPattern>(byHand);
        var general = new RegexPattern(pattern, "test");
        TokenizerLawTests.Texts.Sample(text =>
        {
            var utf8 = Encoding.UTF8.GetBytes(text);
            Assert.Equal(Matches(general, utf8), Matches(byHand, utf8));
        }, iter: 5000);
    }

    /// <summary>On text without letters beyond U+FFFF, .NET's own engine is an independent judge of the general one.</summary>
    [Theory]
    [InlineData(Gpt2Pattern.Source)]
    [InlineData(Cl100kPattern.ThreeDigits)]
    [InlineData(@"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")]
    [InlineData(@"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")]
    [InlineData(@"(?:a|ab)(?:c|bcd)?")]
    [InlineData(@"(?<=a)b|(?<!\s)q|a(?=<)")]
    [InlineData(@"(?>a+)b|a*?l|(?:ab?)*")]
    [InlineData(@"(?:a?b??)*\s|x{2,3}?|(a|b){1,4}")]
    [InlineData(@"\b\p{Lu}\p{Ll}*\b|[^a-zA-Z\s]{2,}|\.$")]
    [InlineData(@"(?i)th[a-e]|LAMP(?-i)S")]
    [InlineData(@"\A.|\z|\n")]
    public void The_general_engine_agrees_with_that_of_dotnet(string pattern)
    {
        var general = new RegexPattern(pattern, "test");
        var dotnet = new System.Text.RegularExpressions.Regex(pattern, System.Text.RegularExpressions.RegexOptions.CultureInvariant | System.Text.RegularExpressions.RegexOptions.Multiline);
        string[] scraps = ["a", "b", "ab", "aab", "abc", "l", "x", "xxx", "q", "The", "lamp", "LAMPs", "é", "中", "ᾳ", "e\u0301", "7", "12", "٣", "½", " ", "  ", "\t", "\n", "\r\n", "\u00A0", "'s", "'RE", "!", "...", "<", "/", "+", "_"];
        Gen.Int[0, scraps.Length - 1].Select(i => scraps[i]).Array[0, 14].Sample(parts =>
        {
            var text = string.Concat(parts);
            var utf8 = Encoding.UTF8.GetBytes(text);
            var expected = dotnet.Matches(text).Select(m => m.Value).Where(m => m.Length > 0);
            Assert.Equal(expected, Matches(general, utf8).Where(m => m.End > m.Start).Select(m => Encoding.UTF8.GetString(utf8, m.Start, m.End - m.Start)));
        }, iter: 3000);
    }

    [Theory]
    [InlineData(@"\p{L}+", "a𝐁𐌰b", "a𝐁𐌰b")]
    [InlineData(@"\p{N}", "𝟘1", "𝟘|1")]
    [InlineData(@"[^\s]", "😀 x", "😀|x")]
    [InlineData(@"[😀-😂]", "a😁😃", "😁")]
    [InlineData(@"\x{1F600}|\x41|\u4e2d", "😀A中", "😀|A|中")]
    [InlineData(@"[[:alpha:]&&[^a-c]]+", "abcde", "de")]
    [InlineData(@"[\p{L}&&[^\p{Han}]]+|\p{Han}", "ab中文é", "ab|中|文|é")]
    [InlineData(@"\P{L}|\p{^Lu}", "Aa1", "a|1")]
    [InlineData(@"a++b|a{2}+", "aab aaaaa", "aab|aaaa")]
    [InlineData(@"(?m:a.)b", "a\nb", "a\nb")]
    [InlineData(@"(?i:k|ſ)", "kK\u212AsS", "k|K|\u212A|s|S")]
    [InlineData(@"]|[]a]", "]a", "]|a")]
    [InlineData(@"a{,2}b|x{y", "aabx{y", "aab|x{y")]
    [InlineData(@"\h+|\w+", "fe_g", "fe|_g")]
    public void Oniguruma_s_own_syntax_holds(string pattern, string text, string expected)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        Assert.Equal(expected, string.Join('|', Matches(new RegexPattern(pattern, "test"), utf8).Select(m => Encoding.UTF8.GetString(utf8, m.Start, m.End - m.Start))));
    }

    [Theory]
    [InlineData(@"(a)\1")]
    [InlineData(@"\p{Klingon}")]
    [InlineData(@"(?<=a+)b")]
    [InlineData(@"\X")]
    [InlineData(@"(?x: a )")]
    public void What_the_engine_does_not_do_is_refused(string pattern) =>
        Assert.Contains(pattern, Assert.Throws<UnsupportedTokenizerFeatureException>(() => new RegexPattern(pattern, "tokenizer.json")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("a)")]
    [InlineData("(a")]
    [InlineData("[a")]
    [InlineData("*a")]
    [InlineData("a\\")]
    [InlineData("[b-a]")]
    [InlineData(@"\p{L")]
    public void What_is_no_expression_is_an_error_with_its_place(string pattern) =>
        Assert.Contains("at character", Assert.Throws<TokenizerFormatException>(() => new RegexPattern(pattern, "tokenizer.json")).Message, StringComparison.Ordinal);

    private static List<(int Start, int End)> Matches(TextPattern pattern, byte[] text)
    {
        var matches = new List<(int, int)>();
        var cursor = default(MatchCursor);
        while (cursor.Next(pattern, text, out var start, out var end)) matches.Add((start, end));
        return matches;
    }
}
