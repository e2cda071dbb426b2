using System.Text.Json;
using LowRank.Cli.Terminal;
using LowRank.Testing;
using LowRank.Training;

namespace LowRank.Cli.Tests;

/// <summary><c>lowrank learn</c>: what is printed, in both languages and in narrow terminals. What claims find is tested in LowRank.Training.Tests.</summary>
public sealed class LearnTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    [Fact]
    public async Task Without_a_chapter_the_chapters_are_listed()
    {
        var result = await Tool.Run(["learn"], "", columns: 80);
        Assert.True(result.Code == 0, result.Error);
        Assert.Contains("principle", result.Out, StringComparison.Ordinal);
        Assert.Contains("7 claims", result.Out, StringComparison.Ordinal);
        Assert.All(result.Out.Split('\n'), l => Assert.True(l.Length <= 80, l));

        var json = JsonDocument.Parse((await Tool.Run("learn", "--json")).Out).RootElement.GetProperty("chapters");
        Assert.Equal(42, json.EnumerateArray().Sum(c => c.GetProperty("claims").GetInt32()));
        Assert.All(json.EnumerateArray(), c => Assert.Equal(c.GetProperty("claims").GetInt32(), c.GetProperty("computed").GetInt32() + c.GetProperty("open").GetInt32()));
    }

    [Theory]
    [InlineData("en", "the lecture says"), InlineData("ko", "강의에서는")]
    public async Task A_chapter_is_told_in_eighty_columns_and_without_colours(string language, string heading)
    {
        var result = await Tool.Run(["learn", "memory", "--lang", language], "", columns: 80);
        Assert.True(result.Code == 0, result.Error);
        Assert.DoesNotContain('\e', result.Out);
        Assert.Equal(5, result.Out.Split('\n').Count(l => l.TrimStart().StartsWith(heading, StringComparison.Ordinal)));
        Assert.Contains("8,388,608", result.Out, StringComparison.Ordinal);
        Assert.All(result.Out.Split('\n'), l => Assert.True(DisplayWidth.Of(l) <= 80, l));
    }

    [Fact]
    public async Task Both_languages_print_the_same_figures()
    {
        var (english, korean) = (await Json("learn", "memory", "--json"), await Json("learn", "memory", "--json", "--lang", "ko"));
        foreach (var (a, b) in english.GetProperty("claims").EnumerateArray().Zip(korean.GetProperty("claims").EnumerateArray()))
        {
            Assert.Equal(a.GetProperty("figures").GetRawText(), b.GetProperty("figures").GetRawText());
            Assert.Equal(a.GetProperty("verdict").GetString(), b.GetProperty("verdict").GetString());
            Assert.Equal(a.GetProperty("try").GetString(), b.GetProperty("try").GetString());
            Assert.NotEqual(a.GetProperty("why").GetString(), b.GetProperty("why").GetString());
        }
    }

    [Fact]
    public async Task The_check_says_of_each_claim_how_it_fares()
    {
        var json = await Json("learn", "memory", "--check", "--json");
        var claims = json.GetProperty("claims").EnumerateArray().ToArray();
        Assert.Equal(["M1", "M2", "M3", "M4", "M5"], claims.Select(c => c.GetProperty("id").GetString()));
        Assert.Equal(["id", "chapter", "verdict", "figures", "seconds"], claims[1].EnumerateObject().Select(p => p.Name));
        Assert.Equal("refined", claims[1].GetProperty("verdict").GetString());
        Assert.Equal(4194304, claims[1].GetProperty("figures").GetProperty("rank_8").GetInt64());
        Assert.Equal(5, json.GetProperty("counts").EnumerateObject().Sum(p => p.Value.GetInt32()));
        Assert.Equal(["reproduced", "refined", "not-reproduced", "open"], json.GetProperty("counts").EnumerateObject().Select(p => p.Name));

        var lines = (await Tool.Run("learn", "nvidia-smi", "--check")).Out.Split('\n');
        Assert.Matches("^nvidia-smi +(refined|reproduced) ", lines[0]);
    }

    [Fact]
    public async Task A_picture_is_kept_where_a_folder_is_given()
    {
        var result = await Tool.Run("learn", "P4", "--output", folder.At("pictures"));
        Assert.True(result.Code == 0, result.Error);
        Assert.True(new FileInfo(folder.At("pictures/P4.png")).Length > 5000);
        Assert.Contains("P4.png", result.Out, StringComparison.Ordinal);
        Assert.Contains("--output", (await Tool.Run("learn", "P4")).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_does_not_exist_is_refused()
    {
        (await Tool.Run("learn", "prinicple")).AssertFails(1, "prinicple", "did you mean principle?");
        (await Tool.Run("learn", "memory", "--lang", "fr")).AssertFails(2, "fr");
        (await Tool.Run("learn", "P5", "--model", folder.At("nothing"))).AssertFails(1, "nothing");
    }

    [Fact]
    public void Every_command_to_try_is_one_that_the_program_understands()
    {
        var root = new CommandTree().Root;
        using var file = JsonDocument.Parse(typeof(TrainingRun).Assembly.GetManifestResourceStream("LowRank.Training.Lecture.claims.json")!);
        foreach (var claim in file.RootElement.GetProperty("claims").EnumerateArray())
        {
            var command = claim.GetProperty("command").GetString()!;
            Assert.StartsWith("lowrank ", command, StringComparison.Ordinal);
            var parsed = root.Parse(command["lowrank ".Length..]);
            Assert.True(parsed.Errors.Count == 0 && parsed.UnmatchedTokens.Count == 0, $"{claim.GetProperty("id")}: {command}: {string.Join("; ", parsed.Errors.Select(e => e.Message))}");
        }
    }

    private static async Task<JsonElement> Json(params string[] arguments)
    {
        var result = await Tool.Run(arguments);
        Assert.True(result.Code == 0, result.Error);
        return JsonDocument.Parse(result.Out).RootElement;
    }

    public void Dispose() => folder.Dispose();
}
