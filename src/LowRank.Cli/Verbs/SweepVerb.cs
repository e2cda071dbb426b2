using System.CommandLine;
using LowRank.Cli.Options;
using LowRank.Cli.Sweeps;
using LowRank.Cli.Terminal;
using LowRank.Training.Settings;
using LowRank.Training.Sweeps;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank sweep</c>: a search over settings of adapters. What happens in it is <see cref="SweepRun"/>'s.</summary>
internal static class SweepVerb
{
    public static VerbCommand Create(Screen screen)
    {
        var verb = new VerbCommand("sweep", "Search over settings of an adapter: all are trained side by side over one loaded base, and the worse half is left out round after round.",
            "lowrank sweep --vary \"rank=8,16,32 learning-rate=3e-4,1e-3\" --model MODEL --data rows.jsonl --validation 0.1 --max-steps 200 --output swept");
        var options = new SettingsOptions(SettingsSchema<SweepSettings>.All);
        options.AddTo(verb);
        var json = new Option<bool>("--json") { Description = "Print results.json." };
        verb.Add(json);
        verb.SetAction((parsed, cancellation) =>
        {
            var settings = SettingsBinder.Read<SweepSettings>(options.Entries(parsed));
            SettingsBinder.RequireComplete(settings);
            var view = new SweepView(screen);
            using var run = SweepRun.Create(settings, screen.Progress, cancellation);
            view.Begin(run);
            var result = run.Run(view.Tell, cancellation);
            if (parsed.GetValue(json)) view.Json(result);
            else view.Show(result, settings.Sweep.Output);
            return Task.FromResult(ExitCode.Done);
        });
        return verb;
    }
}
