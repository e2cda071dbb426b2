namespace LowRank.Cli.Tests;

/// <summary>What the program printed and how it ended.</summary>
internal sealed record ToolResult(int Code, string Out, string Error)
{
    /// <summary>The lines of the error stream.</summary>
    public string[] ErrorLines => Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>
    /// Asserts a failure that a user can understand: this exit code, one line that begins with "error:" and has these words, no stack trace, nothing on the output.
    /// </summary>
    public void AssertFails(int code, params string[] words)
    {
        Assert.Equal(code, Code);
        Assert.Equal("", Out);
        var line = Assert.Single(ErrorLines, l => l.StartsWith("error:", StringComparison.Ordinal));
        foreach (var word in words) Assert.Contains(word, Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", Error, StringComparison.Ordinal);
        Assert.DoesNotContain("internal error", line, StringComparison.Ordinal);
    }
}
