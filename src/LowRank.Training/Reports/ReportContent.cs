using System.Globalization;
using LowRank.Training.Planning;
using LowRank.Training.Runs;
using LowRank.Training.Settings;

namespace LowRank.Training.Reports;

/// <summary>What a report says of a run.</summary>
internal static class ReportContent
{
    /// <summary>The report of a run.</summary>
    public static ReportDocument Of(RunHistory run) => new(Path.GetFileName(run.Folder), Summary(run),
    [
        new("Results", [Results(run)]),
        new("Plan and measurement", Plan(run)),
        new("Curves", ReportCurves.Of(run)),
        new("Answers before and after", ReportAnswers.Of(run)),
        new("Warnings", run.Warnings.Count == 0 ? [new ReportText("None.")] : [new ReportList([.. run.Warnings.Select(w => w.Id is null ? w.Message : $"[{w.Id}] {w.Message}")])]),
        new("Settings", Settings(run)),
        new("How to use the result", ReportUse.Of(run)),
        new("Where it ran", [Machine(run)]),
    ]);

    private static string Summary(RunHistory run)
    {
        var adapter = run.Record.Settings.Adapter;
        var what = adapter.Method == "full" ? "Full fine-tuning" : adapter.Variant == "lora" ? adapter.Method == "qlora" ? "QLoRA" : "LoRA" : $"{adapter.Variant} ({adapter.Method})";
        var state = run.State switch
        {
            RunState.Finished => "finished",
            RunState.StoppedEarly => "ended early, as the held-out loss no longer fell",
            RunState.Stopped => "stopped; it can be resumed",
            RunState.Running => "goes on",
            _ => "broken off; it can be resumed from its newest checkpoint",
        };
        return Text($"{what} of {run.Record.Settings.Model.Model} on {run.Record.Settings.Data.Data}: {state}, after {run.LastStep:N0} of {run.TotalSteps:N0} steps. Begun {run.Record.Started:yyyy-MM-dd HH:mm} UTC with LowRank {run.Record.Version}.");
    }

    private static ReportTable Results(RunHistory run)
    {
        var rows = new List<string[]>();
        void Row(string name, string? value)
        {
            if (value is not null) rows.Add([name, value]);
        }
        Row("training loss, first step", run.Steps.Count > 0 ? Loss(run.Steps[0].Loss) : null);
        Row("training loss, end", Loss(run.FinalLoss));
        if (run.HeldOut.Count > 0)
        {
            Row("held-out loss, last", Loss(run.HeldOut[^1].Loss));
            Row("held-out loss, best", run.BestHeldOut is { } best ? Text($"{best:0.0000} (perplexity {Math.Exp(best):0.###}), at step {run.HeldOut.First(h => h.Loss == best).Step:N0}") : null);
        }
        Row("steps", Text($"{run.LastStep:N0} of {run.TotalSteps:N0}"));
        Row("tokens", Text($"{run.Steps.Sum(s => s.Tokens):N0}, {run.Steps.Sum(s => s.SupervisedTokens):N0} of them learned"));
        Row("time", Time(run.Seconds));
        Row("speed", run.TokensPerSecond is { } speed ? Text($"{speed:N0} tokens/s") : null);
        Row("trained parameters", Text($"{run.TrainableParameters:N0} of {run.AllParameters:N0} ({100.0 * run.TrainableParameters / Math.Max(1, run.AllParameters):0.####} %)"));
        Row("examples", Text($"{run.Examples:N0}{(run.ValidationExamples > 0 ? Text($", {run.ValidationExamples:N0} held out") : "")}"));
        return new ReportTable(["", ""], rows, AreFigures: true);
    }

    private static List<ReportBlock> Plan(RunHistory run)
    {
        var rows = new List<string[]>();
        if (run.PeakMiB is { } peak) rows.Add(["peak memory", run.PlannedMiB is { } planned ? Mebibytes(planned) : "–", Mebibytes(peak), run.PlannedMiB is { } expected ? Difference(peak, expected) : "–"]);
        // What the run said when it first could: the time of the steps by then, and what it expected of the rest.
        if (run.Steps.FirstOrDefault(s => s.SecondsLeft is not null) is { Step: > 0 } forecast && run.Ending is { } end && run.Endings.Count == 1 && end.Step == run.TotalSteps)
        {
            var whole = run.Steps.Where(s => s.Step <= forecast.Step).Sum(s => s.Seconds) + forecast.SecondsLeft!.Value;
            var steps = run.Steps.Sum(s => s.Seconds);
            rows.Add(["time of the steps", Time(whole), Time(steps), Difference(steps, whole)]);
        }
        var blocks = new List<ReportBlock>();
        if (rows.Count > 0) blocks.Add(new ReportTable(["", "planned", "measured", "difference"], rows, AreFigures: true));
        if (run.Record.PlannedMemory is { Count: > 0 } parts)
        {
            blocks.Add(new ReportText("The planned peak by part:"));
            blocks.Add(new ReportTable(["part", "planned", "share"], [.. parts.Select(p => (string[])[p.Key, MemorySize.Gibibytes(p.Value), Text($"{100.0 * p.Value / Math.Max(1, parts.Values.Sum()):0.0} %")])], AreFigures: true));
        }
        return blocks.Count > 0 ? blocks : [new ReportText("Nothing was planned or measured.")];
    }

    private static List<ReportBlock> Settings(RunHistory run)
    {
        var (given, standard) = (new List<string[]>(), new List<string[]>());
        foreach (var setting in SettingsSchema<TrainSettings>.All)
        {
            var (value, usual) = (Setting.Format(setting.Get(run.Record.Settings)), Setting.Format(setting.Default));
            if (value == usual) standard.Add([setting.Key, value is null or "" ? setting.Automatic ?? "none" : value]);
            else given.Add([setting.Key, value ?? "", usual is null or "" ? setting.Automatic ?? "" : usual]);
        }
        var blocks = new List<ReportBlock> { new ReportText("Given, or chosen where nothing was:"), new ReportTable(["setting", "value", "default"], given) };
        if (run.Choices.Count > 0) blocks.Add(new ReportFold("What LowRank chose, and why", [new ReportList(run.Choices)]));
        blocks.Add(new ReportFold("Settings at their defaults", [new ReportTable(["setting", "value"], standard)]));
        return blocks;
    }

    private static ReportTable Machine(RunHistory run)
    {
        var (model, last) = (run.Record.Settings.Model, run.Machine.LastOrDefault());
        var rows = new List<string[]> { new[] { "device", model.Device ?? "not recorded" }, new[] { "dtype of products", model.Dtype ?? "not recorded" }, new[] { "threads", Setting.Format(model.Threads) ?? "not recorded" } };
        foreach (var gpu in last?.Gpus ?? [])
            rows.Add([$"GPU {gpu.Index}", string.Join(", ", new[] { gpu.Name ?? "unknown", gpu.TotalMiB is { } total ? Mebibytes(total) : null, gpu.IsOwn ? "used by this run" : null }.OfType<string>())]);
        if (run.Machine.Select(m => m.ProcessorPercent).Average() is { } used) rows.Add(["processors", Text($"{used:0} % of all in use by this run, on average of {run.Machine.Count:N0} samples")]);
        rows.Add(["base weights", run.Record.BaseWeights]);
        return new ReportTable(["", ""], rows);
    }

    private static string? Loss(double? loss) => loss is { } known ? known.ToString("0.0000", CultureInfo.InvariantCulture) : null;

    private static string Mebibytes(double mebibytes) => MemorySize.Gibibytes((long)(mebibytes * 1048576));

    private static string Difference(double measured, double planned) => planned > 0 ? Text($"{Math.Round(100 * (measured - planned) / planned, 1) + 0.0:+0.0;-0.0} %") : "–";

    private static string Time(double seconds) => seconds switch
    {
        < 60 => Text($"{seconds:0.0} s"),
        < 3600 => Text($"{(int)(seconds / 60)} min {(int)seconds % 60} s"),
        _ => Text($"{(int)(seconds / 3600)} h {(int)(seconds / 60) % 60} min"),
    };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
