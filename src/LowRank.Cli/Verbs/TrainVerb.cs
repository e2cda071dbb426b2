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
        var repeat = new Option<string>("--repeat") { Description = "Do the run in this folder again, in the folder of --output: its settings, and the same bytes at the end. Refused where data, tokenizer, template or model are no longer the same.", HelpName = "FOLDER" };
        var printConfig = new Option<bool>("--print-config") { Description = "Train nothing: print every setting with its value and where it comes from, as a file for --config." };
        var printSchema = new Option<bool>("--print-schema") { Description = "Train nothing: print the JSON schema of the YAML file, for editors that complete and check it." };
        verb.Add(resume);
        verb.Add(repeat);
        verb.Add(preset);
        verb.Add(printConfig);
        verb.Add(printSchema);
        verb.Add(json);
        verb.SetAction(async (parsed, cancellation) =>
        {
            if (parsed.GetValue(printSchema))
            {
                screen.Json(SettingsJsonSchema.Of<TrainSettings>("Settings of lowrank train"));
                return ExitCode.Done;
            }
            List<SettingEntry> entries = [.. parsed.GetValue(preset) is { } name ? TrainPresets.Entries(name) : [], .. settings.Entries(parsed)];
            var (resumes, repeated) = (parsed.GetResult(resume) is { Implicit: false }, parsed.GetValue(repeat));
            if (resumes && repeated is not null) throw new UsageException("--resume goes on with a run, --repeat does one again: give one of them.");
            if (parsed.GetValue(printConfig))
            {
                PrintConfig(entries, repeated ?? (resumes ? parsed.GetValue(resume) : null), screen);
                return ExitCode.Done;
            }
            using var run = await Task.Run(() => resumes ? Resume(entries, parsed.GetValue(resume), screen, cancellation)
                : repeated is not null ? TrainingRun.Repeat(repeated, entries, screen.Progress, cancellation)
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

    private static void PrintConfig(IReadOnlyList<SettingEntry> entries, string? run, Screen screen) =>
        screen.Out.Write(EffectiveYaml.Write<TrainSettings>(entries, run is null ? null : (RunRecord.Load(run).Settings, Path.Combine(run, RunRecord.FileName))));

    private static async IAsyncEnumerable<TrainingEvent> Events(TrainingRun run, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        foreach (var warning in run.Warnings) yield return new RunWarning(warning) { Step = run.Trainer.Step };
        await foreach (var e in run.TrainAsync(cancellation).ConfigureAwait(false)) yield return e;
    }
}
