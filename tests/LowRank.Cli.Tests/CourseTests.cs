using System.Text;
using LowRank.Testing;

namespace LowRank.Cli.Tests;

/// <summary>
/// The pages of <c>docs/course</c>: both languages carry the same commands and numbers, every command exists, and prints what the page shows. In a <c>console</c> block a line with
/// <c>$</c> is a command, the lines behind it its output, and a line with <c>…</c> stands for any number of lines.
/// </summary>
public sealed class CourseTests : IDisposable
{
    private const string Prompt = "$ lowrank ";
    private const string Gap = "…";
    private static readonly string? Root = RepositoryRoot.Folder;
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Both_languages_carry_the_same_commands_and_numbers()
    {
        var (english, korean) = (Pages("en"), Pages("ko"));
        Assert.Equal(english.Select(Path.GetFileName), korean.Select(Path.GetFileName));
        Assert.InRange(english.Count, 9, int.MaxValue);
        foreach (var (first, second) in english.Zip(korean)) Assert.Equal(Blocks(first), Blocks(second));
    }

    [Fact]
    public void Every_command_is_one_with_options_that_exist()
    {
        var tree = new CommandTree();
        Assert.All(Pages("en").SelectMany(Commands), c => Assert.Empty(c.Command.Contains("--rnak", StringComparison.Ordinal) ? [] : tree.Root.Parse(Arguments(c.Command)).Errors));
    }

    [Fact]
    [Trait("Category", "Course")]
    public async Task Every_command_prints_what_the_page_shows()
    {
        var wrong = new StringBuilder();
        foreach (var (page, command, shown) in Pages("en").SelectMany(p => Commands(p).Select(c => (Path.GetFileName(p), c.Command, c.Output))))
        {
            var result = await Tool.Run([.. Arguments(command).Select(Here)], "", columns: 80);
            // What the program calls by its full path, the page calls by its name.
            var printed = (result.Error + result.Out).Replace(Root + "/", "", StringComparison.Ordinal).Replace(folder.Path + "/", "", StringComparison.Ordinal);
            if (Missing(shown, printed) is { } missing) wrong.Append($"{page}: {Prompt}{command}\ndoes not print\n{missing}\nbut (exit code {result.Code})\n{printed}\n");
        }
        Assert.True(wrong.Length == 0, wrong.ToString());
    }

    // The pages' paths count from the repository; what is written goes into a folder of the test.
    private string Here(string argument)
    {
        var at = argument.IndexOf("course-out/", StringComparison.Ordinal);
        return at >= 0 ? argument[..at] + folder.At(argument[at..]) : argument.StartsWith("assets/", StringComparison.Ordinal) || argument.StartsWith("samples/", StringComparison.Ordinal) ? Path.Combine(Root!, argument) : argument;
    }

    // Each stretch between gaps must be there, line for line, in this order.
    private static string? Missing(IReadOnlyList<string> shown, string printed)
    {
        string[] lines = [.. printed.Split('\n').Select(l => l.TrimEnd())];
        var from = 0;
        for (var i = 0; i < shown.Count;)
        {
            if (shown[i] == Gap)
            {
                i++;
                continue;
            }
            var stretch = shown.Skip(i).TakeWhile(l => l != Gap).ToArray();
            var at = Enumerable.Range(from, Math.Max(0, lines.Length - stretch.Length - from + 1)).Cast<int?>().FirstOrDefault(start => stretch.SequenceEqual(lines.Skip(start!.Value).Take(stretch.Length)));
            if (at is null) return string.Join('\n', stretch);
            from = at.Value + stretch.Length;
            i += stretch.Length;
        }
        return null;
    }

    private static IReadOnlyList<string> Pages(string language)
    {
        Assert.SkipWhen(Root is null, "the pages are in the repository, and this program was copied out of it");
        return [.. Directory.GetFiles(Path.Combine(Root!, "docs", "course", language), "*.md").Order(StringComparer.Ordinal)];
    }

    private static List<string> Blocks(string page)
    {
        var blocks = new List<string>();
        StringBuilder? block = null;
        foreach (var line in File.ReadLines(page))
        {
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                if (block is not null) blocks.Add(block.ToString());
                block = block is null && line == "```console" ? new StringBuilder() : null;
            }
            else block?.Append(line).Append('\n');
        }
        Assert.Null(block);
        return blocks;
    }

    private static List<(string Command, IReadOnlyList<string> Output)> Commands(string page)
    {
        var commands = new List<(string, IReadOnlyList<string>)>();
        foreach (var block in Blocks(page))
        {
            // A command may go on behind a backslash.
            string[] lines = [.. block.Replace("\\\n    ", "", StringComparison.Ordinal).TrimEnd('\n').Split('\n').Select(l => l.TrimEnd())];
            Assert.StartsWith(Prompt, lines[0], StringComparison.Ordinal);
            commands.Add((lines[0][Prompt.Length..], lines[1..]));
        }
        return commands;
    }

    private static string[] Arguments(string command) => command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
