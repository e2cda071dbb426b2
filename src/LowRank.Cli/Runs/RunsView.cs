using System.Globalization;
using LowRank.Cli.Terminal;
using LowRank.Training.Runs;

namespace LowRank.Cli.Runs;

/// <summary>Prints past runs as tables or JSON.</summary>
internal static class RunsView
{
    private const string None = "–";

    /// <summary>Prints a row for each run.</summary>
    public static void List(Screen screen, IReadOnlyList<RunSummary> runs, string root, bool json)
    {
        if (json)
        {
            screen.Json(runs);
            return;
        }
        if (runs.Count == 0)
        {
            screen.Out.WriteLine($"no runs below {root}");
            return;
        }
        var table = new TextColumns(["run", "model", "method", "steps", "loss", "held-out", "peak", "time", "state"], words: 2);
        foreach (var run in runs) table.Add(run.Name, ShortName(run.Model), run.Method, Steps(run), Loss(run.Loss), Loss(run.HeldOutLoss), Memory(run.PeakMiB), Time(run), State(run.State));
        foreach (var line in table.Lines(screen.Columns)) screen.Out.WriteLine(line);
    }

    /// <summary>Prints runs side by side.</summary>
    public static void Compare(Screen screen, RunsCompared compared, bool json)
    {
        if (json)
        {
            screen.Json(compared);
            return;
        }
        var runs = compared.Runs;
        (string Label, Func<RunSummary, string> Value)[] results =
        [
            ("state", r => State(r.State)), ("steps", Steps), ("loss", r => Loss(r.Loss)), ("held-out loss", r => Loss(r.HeldOutLoss)), ("peak memory", r => Memory(r.PeakMiB)), ("planned peak", r => Memory(r.PlannedMiB)),
            ("tokens/s", r => r.TokensPerSecond is { } speed ? Text($"{speed:N0}") : None), ("time", Time), ("trained parameters", r => Quantity.Count(r.TrainableParameters)),
        ];
        if (compared.Settings.Count == 0) screen.Out.WriteLine("the settings are the same");
        else Table(screen, "setting", runs, [.. compared.Settings.Select(s => (s.Key, (IReadOnlyList<string>)[.. s.Values.Select(v => v is null or "" ? None : v)]))]);
        screen.Out.WriteLine();
        Table(screen, "result", runs, [.. results.Select(r => (r.Label, (IReadOnlyList<string>)[.. runs.Select(r.Value)]))]);
    }

    // Side by side where the terminal is wide enough, else below each other.
    private static void Table(Screen screen, string what, IReadOnlyList<RunSummary> runs, IReadOnlyList<(string Label, IReadOnlyList<string> Values)> rows)
    {
        var table = new TextColumns([what, .. runs.Select(r => r.Name)], words: 1);
        foreach (var (label, values) in rows) table.Add([label, .. values]);
        if (table.Width <= (screen.Columns ?? int.MaxValue))
        {
            foreach (var line in table.Lines(screen.Columns)) screen.Out.WriteLine(line);
            return;
        }
        foreach (var (label, values) in rows)
        {
            screen.Out.WriteLine(label);
            screen.Fields([.. runs.Select((r, i) => (Printable.Of(r.Name), Printable.Of(values[i])))], indent: 2);
        }
    }

    // The last name of a path, which says which model it is.
    private static string ShortName(string model) => Path.GetFileName(Path.TrimEndingDirectorySeparator(model)) is { Length: > 0 } name ? name : model;

    private static string Steps(RunSummary run) => run.Steps == run.TotalSteps ? Text($"{run.Steps}") : Text($"{run.Steps}/{run.TotalSteps}");

    private static string Loss(double? loss) => loss is { } known ? Quantity.Loss(known) : None;

    private static string Memory(double? mebibytes) => mebibytes is { } known ? Quantity.Bytes((long)(known * (1 << 20))) : None;

    private static string Time(RunSummary run) => run.Seconds > 0 ? Quantity.Time(TimeSpan.FromSeconds(run.Seconds)) : None;

    private static string State(RunState state) => state switch
    {
        RunState.StoppedEarly => "stopped early",
        RunState.BrokenOff => "broken off",
        _ => state.ToString().ToLowerInvariant(),
    };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
