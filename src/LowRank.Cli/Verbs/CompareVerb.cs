using System.CommandLine;
using LowRank.Cli.Comparisons;
using LowRank.Cli.Options;
using LowRank.Cli.Terminal;
using LowRank.Training.Comparison;
using LowRank.Training.Settings;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank compare</c>: methods, ranks, targets side by side. What happens in it is <see cref="ComparisonRun"/>'s.</summary>
internal static class CompareVerb
{
    public static VerbCommand Create(Screen screen)
    {
        var verb = new VerbCommand("compare", "Train with several settings on the same data, each at its best learning rate, and show quality and cost side by side.",
            "lowrank compare --vary method=full,lora,qlora --model MODEL --data rows.jsonl --validation 0.1 --test test.jsonl --output compared",
            "lowrank compare --vary \"rank=8,16,32 targets=qv,all-linear\" --seeds 1 --metric loss --model MODEL --data rows.jsonl --validation 0.1 --output ranks");
        var options = new SettingsOptions(SettingsSchema<ComparisonSettings>.All);
        options.AddTo(verb);
        var json = new Option<bool>("--json") { Description = "Print results.json." };
        // How the program starts itself for one run of the comparison.
        var part = new Option<string>(ChildProcessRunner.Option) { Hidden = true };
        verb.Add(json);
        verb.Add(part);
        verb.SetAction(async (parsed, cancellation) =>
        {
            if (parsed.GetValue(part) is { } request) return await ChildProcessRunner.ServeAsync(request, screen, cancellation).ConfigureAwait(false);
            var settings = SettingsBinder.Read<ComparisonSettings>(options.Entries(parsed));
            SettingsBinder.RequireComplete(settings);
            var run = ComparisonRun.Create(settings, new ChildProcessRunner());
            var view = new ComparisonView(screen);
            screen.Progress($"{run.Cells.Count} cells, {run.TotalParts} runs and evaluations");
            var result = await run.RunAsync(view.Tell, cancellation).ConfigureAwait(false);
            if (parsed.GetValue(json)) view.Json(result);
            else view.Show(result, settings.Comparison.Output);
            return result.Base is not null && result.Cells.All(c => c.Seeds.Count == settings.Comparison.Seeds) ? ExitCode.Done : ExitCode.Failed;
        });
        return verb;
    }
}
