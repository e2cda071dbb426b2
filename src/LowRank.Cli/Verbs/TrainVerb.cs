using System.CommandLine;
using LowRank.Cli.Options;
using LowRank.Cli.Telemetry;
using LowRank.Cli.Terminal;
using LowRank.Cli.TrainingViews;
using LowRank.Training;
using LowRank.Training.Checkpoints;
using LowRank.Training.Events;
using LowRank.Training.Settings;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank train</c>: a run from settings, or the rest of one that was stopped. What happens in it is <see cref="TrainingRun"/>'s.</summary>
internal static class TrainVerb
{
    public static VerbCommand Create(Screen screen)
    {
        var verb = new VerbCommand("train", "Fine-tune a model on a data file.",
            "lowrank train --model SmolLM2-135M-Instruct.Q4_1.gguf --data rows.jsonl --validation 0.1 --output out", "lowrank train --resume out");
        var settings = new SettingsOptions(SettingsSchema<TrainSettings>.All);
        settings.AddTo(verb);
        var resume = new Option<string>("--resume")
        {
            Description = "Go on with the run in this folder from its newest checkpoint, with its own settings; without a folder, with that of --output.",
            HelpName = "FOLDER",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var preset = new Option<string>("--preset") { Description = $"Settings under one name, over which the others win: {string.Join(", ", TrainPresets.Names)} (rank 8 on query and value, QLoRA).", HelpName = "NAME" };
        var json = new Option<bool>("--json") { Description = "Print what happens as JSON lines, as in metrics.jsonl." };
        verb.Add(resume);
        verb.Add(preset);
        verb.Add(json);
        verb.SetAction(async (parsed, cancellation) =>
        {
            List<SettingEntry> entries = [.. parsed.GetValue(preset) is { } name ? TrainPresets.Entries(name) : [], .. settings.Entries(parsed)];
            using var run = await Task.Run(() => parsed.GetResult(resume) is { Implicit: false }
                ? Resume(entries, parsed.GetValue(resume), screen, cancellation)
                : Begin(entries, screen, cancellation), cancellation).ConfigureAwait(false);
            using var export = OtlpExport.Start(run, screen);
            return await TrainingView.For(screen, parsed.GetValue(json)).ShowAsync(Events(run, cancellation)).ConfigureAwait(false);
        });
        return verb;
    }

    private static TrainingRun Begin(IReadOnlyList<SettingEntry> entries, Screen screen, CancellationToken cancellation)
    {
        var settings = SettingsBinder.Read<TrainSettings>(entries);
        SettingsBinder.RequireComplete(settings);
        return TrainingRun.Create(settings, screen.Progress, cancellation);
    }

    private static TrainingRun Resume(IReadOnlyList<SettingEntry> entries, string? folder, Screen screen, CancellationToken cancellation)
    {
        var given = SettingsBinder.Read<TrainSettings>(entries);
        var output = folder ?? given.Output.Output;
        if (output.Length == 0) throw new UsageException("--resume needs the folder of a run: --resume FOLDER.");
        RunRecord.Load(output).RequireSame(entries);
        return TrainingRun.Resume(output, screen.Progress, cancellation, given.Guards.Silence);
    }

    private static async IAsyncEnumerable<TrainingEvent> Events(TrainingRun run, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        foreach (var warning in run.Warnings) yield return new RunWarning(warning) { Step = run.Trainer.Step };
        await foreach (var e in run.TrainAsync(cancellation).ConfigureAwait(false)) yield return e;
    }
}
