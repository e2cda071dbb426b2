using System.CommandLine;

namespace LowRank.Cli.Options;

/// <summary>A verb: a command with an example, whose options may stand in groups in its help.</summary>
internal sealed class VerbCommand : Command
{
    private readonly List<(string Title, IReadOnlyList<Option> Options)> groups = [];

    /// <param name="name">The verb.</param>
    /// <param name="summary">What it does, in one sentence.</param>
    /// <param name="examples">Command lines that work.</param>
    public VerbCommand(string name, string summary, params string[] examples) : base(name, summary) => Examples = examples;

    /// <summary>Command lines that work.</summary>
    public IReadOnlyList<string> Examples { get; }

    /// <summary>Options with a title of their own.</summary>
    public IReadOnlyList<(string Title, IReadOnlyList<Option> Options)> Groups => groups;

    /// <summary>Adds options under a title.</summary>
    public void AddGroup(string title, IReadOnlyList<Option> options)
    {
        groups.Add((title, options));
        foreach (var option in options) Add(option);
    }
}
