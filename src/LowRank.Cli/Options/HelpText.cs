using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using LowRank.Cli.Terminal;
using LowRank.Training.Settings;

namespace LowRank.Cli.Options;

/// <summary>Help: what a verb does, its options in groups with ranges and defaults, and an example. It fits the terminal, however narrow.</summary>
internal sealed class HelpText(Screen screen) : SynchronousCommandLineAction
{
    private const int Indent = 4;

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        var command = parseResult.CommandResult.Command;
        Lines(0, command.Description ?? "");
        screen.Out.WriteLine();
        Lines(0, $"usage: {Usage(command)}");
        if (command.Subcommands.Count > 0)
        {
            Title("commands");
            screen.Fields([.. command.Subcommands.Select(c => (c.Name, c.Description ?? ""))], indent: 2);
        }
        if (command.Arguments.Count > 0)
        {
            Title("arguments");
            screen.Fields([.. command.Arguments.Select(a => (a.HelpName ?? a.Name, a.Description ?? ""))], indent: 2);
        }
        var groups = (command as VerbCommand)?.Groups ?? [];
        var grouped = groups.SelectMany(g => g.Options).ToHashSet();
        foreach (var (title, options) in groups) Section(title.ToLowerInvariant(), options);
        Section("options", [.. command.Options.Where(o => !grouped.Contains(o) && !o.Hidden), .. Inherited(command)]);
        if (command is VerbCommand { Examples.Count: > 0 } verb)
        {
            Title(verb.Examples.Count == 1 ? "example" : "examples");
            foreach (var example in verb.Examples) Lines(2, example, continued: " \\");
        }
        return ExitCode.Done;
    }

    private void Section(string title, IReadOnlyList<Option> options)
    {
        if (options.Count == 0) return;
        Title(title);
        foreach (var option in options)
        {
            Lines(2, Label(option));
            Lines(2 + Indent, Describe(option));
        }
    }

    private static IEnumerable<Option> Inherited(Command command) =>
        command is RootCommand ? [] : command.Parents.OfType<Command>().SelectMany(p => p.Options).Where(o => o.Recursive);

    /// <summary>How a command is called behind <c>lowrank</c>: its name, behind those of the commands that it stands in.</summary>
    public static string PathOf(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault(p => p is not RootCommand) is { } parent ? $"{PathOf(parent)} {command.Name}" : command.Name;

    private static string Usage(Command command)
    {
        if (command is RootCommand) return "lowrank COMMAND [OPTIONS]";
        var arguments = string.Concat(command.Arguments.Select(a => a.Arity.MinimumNumberOfValues == 0 ? $" [{a.HelpName ?? a.Name}]" : $" {a.HelpName ?? a.Name}"));
        return $"lowrank {PathOf(command)}{arguments} [OPTIONS]";
    }

    private static string Label(Option option)
    {
        var names = string.Join(", ", [option.Name, .. option.Aliases.Where(a => a.StartsWith('-'))]);
        var value = option is HelpOption or VersionOption || option.ValueType == typeof(bool) ? "" : option.HelpName ?? "VALUE";
        return value.Length == 0 ? names : option.Arity.MinimumNumberOfValues == 0 ? $"{names} [{value}]" : $"{names} {value}";
    }

    private static string Describe(Option option)
    {
        var text = option.Description ?? "";
        if (option is not SettingOption { Setting: var setting }) return text;
        var notes = new List<string>();
        if (setting.Choices is { } choices) notes.Add(string.Join(", ", choices));
        if (setting.Range is { } range) notes.Add(range);
        if (setting.IsRequired) notes.Add("required");
        else if ((Setting.Format(setting.Default) ?? setting.Automatic) is { Length: > 0 } standard) notes.Add($"default: {standard}");
        return notes.Count == 0 ? text : $"{text} [{string.Join("; ", notes)}]";
    }

    private void Title(string text)
    {
        screen.Out.WriteLine();
        screen.Out.WriteLine(text + ":");
    }

    private void Lines(int indent, string text, string continued = "")
    {
        foreach (var line in TextWrap.Lines(text, screen.HelpWidth, indent, continued)) screen.Out.WriteLine(line);
    }
}
