using System.CommandLine;
using System.Globalization;
using LowRank.Cli.Options;
using LowRank.Cli.Terminal;
using LowRank.Training.Trackers;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank runs sync</c>: sends what trackers kept on disk. How is <see cref="RunSync"/>'s.</summary>
internal static class RunsSyncVerb
{
    public static VerbCommand Create(Screen screen)
    {
        var verb = new VerbCommand("sync", "Send a run to Weights & Biases or MLflow that was kept on disk; what has been sent is not sent again.",
            "WANDB_API_KEY=KEY lowrank runs sync out", "lowrank runs sync out/wandb/offline-run-20260115_103000-ab12cd34");
        var path = new Argument<string>("PATH") { Description = "The folder of a run that had --tracker wandb or mlflow, an offline run's folder (of wandb's own, too), or a .wandb file." };
        var json = new Option<bool>("--json") { Description = "Print the result as JSON." };
        verb.Add(path);
        verb.Add(json);
        verb.SetAction(async (parsed, cancellation) =>
        {
            if (parsed.GetValue<bool>("--offline")) throw new UsageException("runs sync needs the network: leave --offline out.");
            var results = await RunSync.SendAsync(parsed.GetValue(path)!, Environment.GetEnvironmentVariable, screen.Progress, cancellation).ConfigureAwait(false);
            if (parsed.GetValue(json)) screen.Json(results);
            else foreach (var result in results) screen.Out.WriteLine(Line(result));
            return ExitCode.Done;
        });
        return verb;
    }

    private static string Line(SyncResult result)
    {
        if (result is { Sent: 0, IsWhole: true }) return $"{result.Tracker}: {result.Run} has been sent before";
        var lines = string.Create(CultureInfo.InvariantCulture, $"{result.Sent} {(result.Sent == 1 ? "row" : "rows")}");
        return $"{result.Tracker}: sent {result.Run}, {lines}{(result.IsWhole ? "" : "; the run has not ended, or was killed: sync again when there is more")}";
    }
}
