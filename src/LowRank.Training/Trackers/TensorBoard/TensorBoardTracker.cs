using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using LowRank.Training.Events;

namespace LowRank.Training.Trackers.TensorBoard;

/// <summary>
/// <c>tensorboard/events.out.tfevents.*</c> in the run's folder: the numbers of each step and evaluation, settings as text and as hyperparameters, samples and warnings as text. A
/// resumed run begins a further file, before which TensorBoard forgets the steps that are taken anew.
/// </summary>
internal sealed class TensorBoardTracker : ITracker
{
    /// <summary>Its folder in a run's folder.</summary>
    public const string Folder = "tensorboard";

    private readonly RunDescription run;
    private readonly EventFile file;
    private readonly HashSet<string> known = new(StringComparer.Ordinal);
    private readonly List<KeyValuePair<string, double>> scalars = [];

    /// <summary>Begins a file.</summary>
    public TensorBoardTracker(RunDescription run)
    {
        this.run = run;
        var folder = Path.Combine(run.Folder, Folder);
        Directory.CreateDirectory(folder);
        var now = Now();
        file = new EventFile(Path.Combine(folder, NameOf(now, folder)));
        file.Write(BoardEvents.Version(now, $"LowRank {run.Version}"));
    }

    /// <inheritdoc/>
    public void Write(in TrackedEvent tracked)
    {
        var (e, seconds) = (tracked.Event, tracked.Seconds);
        scalars.Clear();
        RunScalars.AppendTo(scalars, e);
        foreach (var (tag, value) in scalars) file.Write(BoardEvents.Scalar(seconds, e.Step, tag, value, known.Add(tag) ? BoardEvents.Shown("scalars") : null));
        switch (e)
        {
            case RunStarted start: Begin(start, seconds); break;
            case EvaluationCompleted { Samples.Count: > 0 } evaluation:
                Text(seconds, e.Step, "eval/samples", string.Join("\n\n", evaluation.Samples.Select(s => $"**{Escape(s.Prompt)}**\n\n{Escape(s.Answer)}")));
                break;
            case RunWarning warning: Text(seconds, e.Step, "warnings", Escape(warning.Message)); break;
        }
    }

    /// <inheritdoc/>
    public void Flush() => file.Flush();

    /// <inheritdoc/>
    public void End(RunEnd? end, DateTimeOffset time, CancellationToken limit)
    {
        // A run that was stopped goes on some day: for its hyperparameters it is still under way.
        if (end is not RunEnd.Cancelled) file.Write(HyperParameters.End((time - DateTimeOffset.UnixEpoch).TotalSeconds, end));
        file.Flush();
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private void Begin(RunStarted start, double seconds)
    {
        if (start.Step > 0) file.Write(BoardEvents.Restart(seconds, start.Step + 1));
        var config = run.ConfigWith(start);
        var created = (run.Started - DateTimeOffset.UnixEpoch).TotalSeconds;
        file.Write(HyperParameters.Experiment(seconds, config, [RunScalars.Loss, RunScalars.HeldOutLoss], created));
        file.Write(HyperParameters.Start(seconds, config, run.Id, created));
        Text(seconds, start.Step, "config", Table(config));
        if (start.Choices.Count > 0) Text(seconds, start.Step, "choices", string.Join('\n', start.Choices.Select(c => $"- {Escape(c)}")));
    }

    private void Text(double seconds, long step, string tag, string markdown) => file.Write(BoardEvents.Text(seconds, step, tag, markdown, known.Add(tag) ? BoardEvents.Shown("text") : null));

    private static string Table(JsonObject config)
    {
        var text = new StringBuilder("| setting | value |\n|---|---|\n");
        foreach (var (name, value) in config) text.Append(CultureInfo.InvariantCulture, $"| {Escape(name)} | {Escape(value?.ToString() ?? "")} |\n");
        return text.ToString();
    }

    // What Markdown would take for markup or for the end of a cell.
    private static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var c in text.ReplaceLineEndings(" ⏎ "))
        {
            if (c is '\\' or '|' or '*' or '_' or '`' or '<' or '[' or ']' or '#') escaped.Append('\\');
            escaped.Append(c);
        }
        return escaped.ToString();
    }

    // TensorBoard reads the files of a folder in the order of their names.
    private static string NameOf(double seconds, string folder)
    {
        var stem = string.Create(CultureInfo.InvariantCulture, $"events.out.tfevents.{(long)seconds}.{Environment.MachineName}.{Environment.ProcessId}");
        for (var i = 0; ; i++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"{stem}.{i}");
            if (!File.Exists(Path.Combine(folder, name))) return name;
        }
    }

    private static double Now() => (TimeProvider.System.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalSeconds;
}
