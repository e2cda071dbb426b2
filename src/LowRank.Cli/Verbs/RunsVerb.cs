using System.CommandLine;
using LowRank.Cli.Options;
using LowRank.Cli.Runs;
using LowRank.Cli.Terminal;
using LowRank.Training.Monitoring.Jobs;
using LowRank.Training.Reports;
using LowRank.Training.Runs;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank runs</c>: what is done with the folders of past runs.</summary>
internal static class RunsVerb
{
    public static VerbCommand Create(Screen screen)
    {
        var verb = new VerbCommand("runs", "List past runs, set them side by side, write their reports again, send them to trackers.",
            "lowrank runs outputs", "lowrank runs compare outputs/a outputs/b", "lowrank runs report outputs/a", "lowrank runs sync outputs/a")
        {
            List(screen, new VerbCommand("list", "List the runs below a folder, as lowrank runs alone does.", "lowrank runs list outputs --json")),
            Compare(screen),
            Report(screen),
            RunsSyncVerb.Create(screen),
        };
        return List(screen, verb);
    }

    private static VerbCommand List(Screen screen, VerbCommand verb)
    {
        var folder = new Argument<string>("FOLDER") { Description = "Where to look for runs: this folder and those below it. [default: the current one]", Arity = ArgumentArity.ZeroOrOne, DefaultValueFactory = _ => "." };
        var json = new Option<bool>("--json") { Description = "Print the runs as a JSON list." };
        verb.Add(folder);
        verb.Add(json);
        verb.SetAction(parsed =>
        {
            var root = Path.GetFullPath(parsed.GetValue(folder) ?? ".");
            var running = JobRegistry.OfUser().List().Select(j => j.Folder).ToHashSet(StringComparer.Ordinal);
            var found = new List<RunSummary>();
            foreach (var path in RunFolders.Below(root))
            {
                try
                {
                    found.Add(RunSummary.Of(RunHistory.Load(path, running.Contains(path)), root));
                }
                catch (LowRankException error)
                {
                    screen.Warn(error.Message);
                }
            }
            RunsView.List(screen, [.. found.OrderBy(r => r.Started)], root, parsed.GetValue(json));
            return ExitCode.Done;
        });
        return verb;
    }

    private static VerbCommand Compare(Screen screen)
    {
        var runs = new Argument<string[]>("RUN") { Description = "Folders of runs, two or more.", Arity = new ArgumentArity(2, 100), HelpName = "RUN RUN..." };
        var json = new Option<bool>("--json") { Description = "Print runs and settings as JSON." };
        var verb = new VerbCommand("compare", "Show the settings in which runs differ, and what came of them, side by side.", "lowrank runs compare outputs/a outputs/b") { runs, json };
        verb.SetAction(parsed =>
        {
            RunsView.Compare(screen, RunsCompared.Of([.. parsed.GetRequiredValue(runs).Select(r => RunHistory.Load(r))]), parsed.GetValue(json));
            return ExitCode.Done;
        });
        return verb;
    }

    private static VerbCommand Report(Screen screen)
    {
        var run = new Argument<string>("RUN") { Description = "The folder of a run." };
        var verb = new VerbCommand("report", "Write report.html and report.md of a run, from the files in its folder.", "lowrank runs report outputs/a") { run };
        verb.SetAction(parsed =>
        {
            screen.Out.WriteLine(RunReport.Write(parsed.GetRequiredValue(run)));
            return ExitCode.Done;
        });
        return verb;
    }
}
