using System.CommandLine;
using LowRank.Adapters;
using LowRank.Cli.Options;
using LowRank.Cli.Terminal;

namespace LowRank.Cli;

/// <summary>Tells what is wrong with a command line.</summary>
internal static class UsageErrors
{
    /// <summary>Prints one line for each fault, and where help is.</summary>
    public static int Tell(ParseResult parsed, Screen screen)
    {
        var command = parsed.CommandResult.Command;
        var unknown = parsed.UnmatchedTokens.ToHashSet(StringComparer.Ordinal);
        // Behind an unknown option stand its values, which are not worth a line each.
        var faults = unknown.Where(t => t.StartsWith('-')).DefaultIfEmpty(unknown.FirstOrDefault()).OfType<string>();
        foreach (var token in faults) screen.Error.WriteLine($"error: {Unknown(command, token)}");
        foreach (var error in parsed.Errors)
            if (!unknown.Any(token => error.Message.Contains($"'{token}'", StringComparison.Ordinal))) screen.Error.WriteLine($"error: {error.Message}");
        screen.Error.WriteLine($"See 'lowrank {(command is RootCommand ? "" : HelpText.PathOf(command) + " ")}--help'.");
        return ExitCode.WrongUsage;
    }

    private static string Unknown(Command command, string token)
    {
        var isOption = token.StartsWith('-');
        var names = isOption ? command.Options.Select(o => o.Name) : command.Subcommands.Select(c => c.Name);
        var near = NearestNames.Of(token, names);
        var what = isOption ? $"{(command is RootCommand ? "lowrank" : $"'{command.Name}'")} has no option {token}"
            : command is RootCommand ? $"there is no command '{token}'" : $"'{token}' is one argument too many for '{command.Name}'";
        return $"{what}{(near.Count > 0 ? $"; did you mean {string.Join(" or ", near)}?" : ".")}";
    }
}
