namespace LowRank.Cli.Tests;

public class FrameTests
{
    public static TheoryData<string> Verbs => [.. new CommandTree().Root.Subcommands.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task Every_verb_has_help_with_an_example_that_fits_60_columns(string verb)
    {
        var result = await Tool.Run([verb, "--help"], "", columns: 60);
        Assert.Equal(0, result.Code);
        Assert.Equal("", result.Error);
        Assert.Contains($"usage: lowrank {verb}", result.Out, StringComparison.Ordinal);
        Assert.Matches($"examples?:\n  (.*\\| )?lowrank {verb}", result.Out);
        Assert.All(result.Out.Split('\n'), line => Assert.True(line.Length <= 60, line));
    }

    [Fact]
    public async Task Without_a_verb_it_shows_what_there_is()
    {
        var result = await Tool.Run();
        Assert.Equal(2, result.Code);
        foreach (var verb in Verbs) Assert.Contains($"  {verb.Data}", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_version_is_a_version() => Assert.Matches(@"^\d+\.\d+\.\d+", (await Tool.Run("--version")).Out);

    [Fact]
    public async Task A_mistyped_verb_names_the_nearest()
    {
        var result = await Tool.Run("inspct", "file");
        result.AssertFails(2, "there is no command 'inspct'; did you mean inspect?", "See 'lowrank --help'.");
    }

    [Fact]
    public async Task A_mistyped_option_names_the_nearest()
    {
        var result = await Tool.Run("train", "--rnak", "8");
        result.AssertFails(2, "'train' has no option --rnak; did you mean --rank", "See 'lowrank train --help'.");
    }

    [Fact]
    public async Task A_missing_argument_is_wrong_usage() => Assert.Equal(2, (await Tool.Run("inspect")).Code);

    [Fact]
    public void An_unexpected_exception_is_an_internal_error_and_shows_its_stack_only_when_asked()
    {
        var thrown = Assert.ThrowsAny<Exception>(() => int.Parse("x"));
        var (brief, code) = Told(thrown, verbose: false);
        Assert.Equal(1, code);
        Assert.StartsWith("error: internal error: FormatException: ", brief, StringComparison.Ordinal);
        Assert.Contains("--verbose", brief, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", brief, StringComparison.Ordinal);
        Assert.Contains("   at ", Told(thrown, verbose: true).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_user_can_mend_is_told_as_it_is() => Assert.Equal(("error: mend it\n", 1), Told(new LowRankException("mend it"), verbose: false));

    private static (string Text, int Code) Told(Exception error, bool verbose)
    {
        var text = new StringWriter { NewLine = "\n" };
        return (Failures.Tell(error, verbose, new Terminal.Screen { Out = TextWriter.Null, Error = text }) is var code ? text.ToString() : "", code);
    }
}
