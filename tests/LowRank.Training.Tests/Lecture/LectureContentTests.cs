using System.Text;
using System.Text.RegularExpressions;
using LowRank.Training.Lecture;
using LowRank.Training.Lecture.Content;

namespace LowRank.Training.Tests.Lecture;

/// <summary>The claims file: complete, the same numbers in both languages, and clear about what it does not hold.</summary>
public sealed partial class LectureContentTests
{
    private static readonly LectureContent Content = LectureContent.Load();

    // The ids of the lecture, and the tools that it names.
    private static readonly string[] Ids =
    [
        "P1", "P2", "P3", "P4", "P5", "P6", "P7", "S1", "S2", "S3", "S4", "Q1", "Q2", "Q3", "Q4", "M1", "M2", "M3", "M4", "M5", "C1", "C2", "C3",
        "T1", "T2", "T3", "T4", "T5", "E1", "E2", "E3", "E4", "E5", "A1", "A2", "A3", "A4", "PEFT", "Unsloth", "LLaMA-Factory", "nvidia-smi", "wandb",
    ];

    [Fact]
    public void Every_claim_of_the_lecture_is_there_once() => Assert.Equal(Ids, Content.Claims.Select(c => c.Id));

    [Fact]
    public void Every_check_belongs_to_a_claim_that_has_a_text_for_it_and_no_other_claim_has_one()
    {
        Assert.Equal(ClaimChecks.All.Select(c => c.Id).Order(StringComparer.Ordinal), Content.Claims.Where(c => c.Finds is not null).Select(c => c.Id).Order(StringComparer.Ordinal));
        Assert.Equal(ClaimChecks.All.Count, ClaimChecks.All.DistinctBy(c => c.Id).Count());
        Assert.Equal(Content.Claims.Where(c => c.Picture is not null).Select(c => c.Id), ClaimChecks.All.OfType<IPicturedClaim>().Select(c => ((IClaimCheck)c).Id));
    }

    [Fact]
    public void Both_languages_are_written_and_carry_the_same_numbers()
    {
        foreach (var (where, text) in Texts())
        {
            Assert.False(string.IsNullOrWhiteSpace(text.En) || string.IsNullOrWhiteSpace(text.Ko), where);
            Assert.True(Figures.PlaceholdersOf(text.En).SequenceEqual(Figures.PlaceholdersOf(text.Ko)), $"{where}: {string.Join(' ', Figures.PlaceholdersOf(text.En))} and {string.Join(' ', Figures.PlaceholdersOf(text.Ko))}");
            Assert.True(text.Ko == text.En || Hangul().IsMatch(text.Ko), $"{where} is not Korean: {text.Ko}");
            Assert.False(Hangul().IsMatch(text.En), $"{where} is not English: {text.En}");
            // What looks like a placeholder and is none would be printed as it stands.
            Assert.DoesNotMatch(@"[{}]", Placeholder().Replace(text.En, "") + Placeholder().Replace(text.Ko, ""));
        }
    }

    [Theory]
    [InlineData("prinicple", "principle"), InlineData("memroy", "memory"), InlineData("M9", "M1"), InlineData("Quantum", "")]
    public void An_unknown_chapter_is_refused_with_the_nearest_names(string name, string near)
    {
        var error = Assert.Throws<LowRankException>(() => Content.Select(name));
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
        Assert.Contains("principle, settings, qlora", error.Message, StringComparison.Ordinal);
        if (near.Length > 0) Assert.Matches($"did you mean .*{near}", error.Message);
        else Assert.DoesNotContain("did you mean", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_chapter_and_a_claim_are_found_in_any_case()
    {
        Assert.Equal(["M1", "M2", "M3", "M4", "M5"], Content.Select("Memory").Select(c => c.Id));
        Assert.Equal("P4", Assert.Single(Content.Select("p4")).Id);
    }

    [Theory]
    [InlineData("{", "line"), InlineData("""{"chapters":[],"claims":[],"reasons":{},"words":{},"more":1}""", "more"),
     InlineData("""{"chapters":[],"claims":[{"id":"P1","chapter":"none","kind":"run","command":"x","says":{"en":"a","ko":"b"}}],"reasons":{},"words":{}}""", "chapter none")]
    public void A_damaged_file_is_refused_with_its_fault(string json, string word)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(json));
        var error = Assert.Throws<LowRankException>(() => LectureContent.Read(stream, "claims.json"));
        Assert.StartsWith("claims.json", error.Message, StringComparison.Ordinal);
        Assert.Contains(word, error.Message, StringComparison.Ordinal);
    }

    private static IEnumerable<(string Where, LectureText Text)> Texts()
    {
        foreach (var c in Content.Chapters) yield return (c.Id, c.Title);
        foreach (var (name, text) in Content.Words) yield return (name, text);
        foreach (var (name, text) in Content.Reasons) yield return (name, text);
        foreach (var c in Content.Claims)
        {
            yield return ($"{c.Id} says", c.Says);
            if (c.Finds is { } finds) yield return ($"{c.Id} finds", finds);
            foreach (var (name, text) in c.Why ?? new Dictionary<string, LectureText>()) yield return ($"{c.Id} {name}", text);
            if (c.Picture is not { } picture) continue;
            yield return ($"{c.Id} picture", picture.Title);
            foreach (var text in (LectureText?[])[picture.X, picture.Y, .. picture.Series])
                if (text is not null) yield return ($"{c.Id} picture", text);
        }
    }

    [GeneratedRegex("[가-힣]")]
    private static partial Regex Hangul();

    [GeneratedRegex(@"\{[a-z0-9_]+(:[^{}]+)?\}")]
    private static partial Regex Placeholder();
}
