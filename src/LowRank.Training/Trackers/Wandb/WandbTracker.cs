using System.Globalization;
using LowRank.Formats;
using LowRank.Training.Events;
using LowRank.Training.Trackers.Wandb.Proto;

namespace LowRank.Training.Trackers.Wandb;

/// <summary>
/// An offline run of Weights and Biases in the run's folder, which <c>lowrank runs sync</c> uploads. A row of its history is a step with what was evaluated at it, so a
/// row waits for the next step. A resumed run goes on in the file of its earlier part, brought back to the checkpoint.
/// </summary>
internal sealed class WandbTracker : ITracker
{
    private const string ConsoleFile = "output.log";
    private const string MetadataFile = "wandb-metadata.json";

    private readonly RunDescription run;
    private readonly WandbFolder folder;
    private readonly RunRecords records;
    private readonly RunLogWriter log;
    private readonly StreamWriter console;
    private readonly NestedValues summary = new();
    private readonly WandbConfig config = new();
    private readonly List<KeyValuePair<string, double>> row = [];
    private SummaryRecord changed = new();
    private double? leastHeldOut;
    private long number, rowStep;
    private double rowSeconds;

    /// <summary>Begins the run's folder, or goes on in it.</summary>
    /// <param name="run">The run.</param>
    /// <param name="step">The step that it stands at.</param>
    public WandbTracker(RunDescription run, long step)
    {
        this.run = run;
        records = new RunRecords(run);
        folder = WandbFolder.For(run.Folder, run.Id, TimeProvider.System.GetLocalNow());
        Directory.CreateDirectory(folder.Files);
        if (new FileInfo(folder.Log) is { Exists: true, Length: >= RunLogFormat.HeaderLength }) number = RunLogResume.KeepUntil(folder.Log, step, summary);
        // A process that was killed at once leaves a file without even a header.
        else File.Delete(folder.Log);
        if (summary.Find([RunScalars.HeldOutLoss, "min"]) is { } least && double.TryParse(least, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)) leastHeldOut = value;
        log = new RunLogWriter(new FileStream(folder.Log, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 1 << 16));
        console = new StreamWriter(new FileStream(Path.Combine(folder.Files, ConsoleFile), FileMode.Append, FileAccess.Write, FileShare.Read)) { NewLine = "\n" };
    }

    /// <inheritdoc/>
    public void Write(in TrackedEvent tracked)
    {
        switch (tracked.Event)
        {
            case RunStarted start: Begin(start); break;
            case StepCompleted or EvaluationCompleted: AddToRow(tracked); break;
            case RunCompleted completed:
                WriteRow();
                var final = new List<KeyValuePair<string, double>>();
                RunScalars.AppendTo(final, completed);
                foreach (var (name, value) in final) Summarize([name], NestedValues.Number(value));
                break;
            case RunWarning warning: Say(tracked.Event.Step, $"warning: {warning.Message}"); break;
            case CheckpointSaved saved: Say(tracked.Event.Step, $"checkpoint: {saved.Folder}"); break;
        }
        if (tracked.Event is EvaluationCompleted { Samples.Count: > 0 } evaluation)
            foreach (var (prompt, answer) in evaluation.Samples) Say(evaluation.Step, $"asked: {prompt.ReplaceLineEndings("⏎")}\nanswered: {answer.ReplaceLineEndings("⏎")}");
    }

    /// <inheritdoc/>
    public void Flush()
    {
        WriteSummary();
        log.Flush();
        console.Flush();
    }

    /// <inheritdoc/>
    public void Settle()
    {
        // What is evaluated at a step is evaluated before its checkpoint: the row is complete.
        WriteRow();
        Flush();
    }

    /// <inheritdoc/>
    public void End(RunEnd? end, DateTimeOffset time, CancellationToken limit)
    {
        WriteRow();
        var seconds = (time - run.Started).TotalSeconds;
        Summarize(["_wandb", "runtime"], ((long)seconds).ToString(CultureInfo.InvariantCulture));
        WriteSummary();
        Append(records.Exit(end, seconds));
        log.Flush();
        console.Flush();
        AtomicFile.WriteAllText(Path.Combine(folder.Files, "wandb-summary.json"), summary.ToJson());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        log.Dispose();
        console.Dispose();
    }

    private void Begin(RunStarted start)
    {
        if (number > 0)
        {
            Say(start.Step, string.Create(CultureInfo.InvariantCulture, $"resumed at step {start.Step}"));
            return;
        }
        var opening = records.Run(run.ConfigWith(start));
        config.Add(opening.Run.Config);
        config.Add(opening.Run.Telemetry);
        var metric = records.HeldOutLoss();
        config.Add(metric.Metric);
        Append(records.Header());
        Append(opening);
        Append(records.Environs());
        Append(metric);
        AtomicFile.WriteAllText(Path.Combine(folder.Files, "config.yaml"), config.ToYaml());
        AtomicFile.WriteAllText(Path.Combine(folder.Files, MetadataFile), records.Metadata());
        Append(records.Files(MetadataFile, ConsoleFile));
        foreach (var choice in start.Choices) Say(start.Step, $"chosen: {choice}");
    }

    private void AddToRow(in TrackedEvent tracked)
    {
        if (tracked.Event.Step != rowStep) WriteRow();
        (rowStep, rowSeconds) = (tracked.Event.Step, tracked.Seconds);
        RunScalars.AppendTo(row, tracked.Event);
    }

    private void WriteRow()
    {
        if (row.Count == 0) return;
        var history = new HistoryRecord { Step = new HistoryStep { Num = rowStep } };
        foreach (var (name, value) in row)
        {
            var json = NestedValues.Number(value);
            Add(name, json);
            if (name != RunScalars.HeldOutLoss) Summarize([name], json);
            else if (!(value >= leastHeldOut)) Summarize([name, "min"], NestedValues.Number((leastHeldOut = value).Value));
        }
        Add("_step", rowStep.ToString(CultureInfo.InvariantCulture));
        Add("_timestamp", NestedValues.Number(rowSeconds));
        Add("_runtime", NestedValues.Number(Math.Round(rowSeconds - (run.Started - DateTimeOffset.UnixEpoch).TotalSeconds, 6)));
        foreach (var item in history.Item.TakeLast(3)) Summarize(item.NestedKey, item.ValueJson);
        Append(new Record { History = history });
        row.Clear();

        void Add(string name, string json) => history.Item.Add(new HistoryItem { NestedKey = { name }, ValueJson = json });
    }

    private void Summarize(IReadOnlyList<string> path, string json)
    {
        summary.Set(path, json);
        changed.Update.Add(new SummaryItem { NestedKey = { path }, ValueJson = json });
    }

    // Once for all rows since the last one: of several values for a name only the last is kept.
    private void WriteSummary()
    {
        if (changed.Update.Count == 0) return;
        var latest = changed.Update.GroupBy(i => string.Join('\0', i.NestedKey), StringComparer.Ordinal).Select(g => g.Last()).ToList();
        Append(new Record { Summary = new SummaryRecord { Update = { latest } } });
        changed = new SummaryRecord();
    }

    private void Append(Record record)
    {
        record.Num = ++number;
        log.Write(record);
    }

    private void Say(long step, string text) => console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"step {step}: {text}"));
}
