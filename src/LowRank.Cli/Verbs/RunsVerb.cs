using System.CommandLine;
using LowRank.Cli.Options;
using LowRank.Cli.Terminal;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank runs</c>: what is done with runs that are over.</summary>
internal static class RunsVerb
{
    public static VerbCommand Create(Screen screen)
    {
        var verb = new VerbCommand("runs", "Past runs: send them to trackers.",
            "lowrank runs sync out") { RunsSyncVerb.Create(screen) };
        verb.SetAction(parsed =>
        {
            new HelpText(screen).Invoke(parsed);
            return ExitCode.WrongUsage;
        });
        return verb;
    }
}
