using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using LowRank.Training.Events;

namespace LowRank.Training.Trackers.Telemetry;

/// <summary>
/// Gives a run to whoever listens to <see cref="TrainingTelemetry"/>: measurements of each step, and one span for the run with a span for each epoch in it, on which evaluations,
/// checkpoints and warnings are events. A step has no span: thousands of them would hide the rest.
/// </summary>
internal sealed class TelemetryTracker : ITracker
{
    private readonly RunDescription run;
    private readonly ActivityContext parent;
    private readonly KeyValuePair<string, object?> tag;
    private Activity? whole, epoch;
    private long epochNumber = -1;

    /// <param name="run">The run.</param>
    /// <param name="parent">The span in which the run was set up; default for none.</param>
    public TelemetryTracker(RunDescription run, ActivityContext parent)
    {
        (this.run, this.parent) = (run, parent);
        tag = new KeyValuePair<string, object?>("lowrank.run", run.Name);
    }

    /// <inheritdoc/>
    public void Write(in TrackedEvent tracked)
    {
        switch (tracked.Event)
        {
            case RunStarted start: Begin(start, tracked.Time); break;
            case StepCompleted step: Measure(step, tracked.Time); break;
            case EvaluationCompleted evaluation:
                TrainingTelemetry.HeldOutLoss.Record(evaluation.Loss, tag);
                Note(tracked, "evaluation", new("loss", evaluation.Loss), evaluation.Preference is { } judged ? new KeyValuePair<string, object?>("accuracy", judged.Accuracy) : new("perplexity", evaluation.Perplexity), new("best", evaluation.IsBest));
                break;
            case CheckpointSaved saved: Note(tracked, "checkpoint", new KeyValuePair<string, object?>("folder", Path.GetFileName(saved.Folder))); break;
            case RunWarning warning: Note(tracked, "warning", new("message", warning.Message), new("id", warning.Id)); break;
            case RunCompleted completed:
                whole?.SetTag("lowrank.end", completed.End.ToString().ToLowerInvariant()).SetTag("lowrank.train_loss", completed.TrainLoss).SetTag("lowrank.peak_bytes", completed.PeakBytes);
                break;
        }
    }

    /// <inheritdoc/>
    public void Flush()
    {
    }

    /// <inheritdoc/>
    public void End(RunEnd? end, DateTimeOffset time, CancellationToken limit)
    {
        Close(ref epoch, time);
        whole?.SetStatus(end is null ? ActivityStatusCode.Error : ActivityStatusCode.Ok);
        Close(ref whole, time);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        epoch?.Dispose();
        whole?.Dispose();
    }

    private void Begin(RunStarted start, DateTimeOffset time)
    {
        whole = TrainingTelemetry.Source.StartActivity("train", ActivityKind.Internal, parent, startTime: time);
        if (whole is null) return;
        whole.DisplayName = $"train {run.Name}";
        whole.SetTag("lowrank.run.id", run.Id).SetTag("lowrank.run", run.Name).SetTag("lowrank.resumed_at", start.Step);
        foreach (var (name, value) in run.ConfigWith(start))
            whole.SetTag($"lowrank.{name}", value?.GetValueKind() switch
            {
                JsonValueKind.True => true,
                JsonValueKind.False => false,
                JsonValueKind.Number => double.Parse(value.ToJsonString(), CultureInfo.InvariantCulture),
                _ => value?.ToString(),
            });
    }

    private void Measure(StepCompleted step, DateTimeOffset time)
    {
        // The rate is tokens by time: the time comes out exactly.
        var seconds = step.TokensPerSecond > 0 ? step.Tokens / step.TokensPerSecond : 0;
        TrainingTelemetry.Steps.Add(1, tag);
        TrainingTelemetry.Tokens.Add(step.Tokens, tag);
        TrainingTelemetry.StepDuration.Record(seconds, tag);
        TrainingTelemetry.Loss.Record(step.Loss, tag);
        TrainingTelemetry.LearningRate.Record(step.LearningRate, tag);
        TrainingTelemetry.GradientNorm.Record(step.GradientNorm, tag);
        TrainingTelemetry.Memory.Record(step.ResidentBytes, tag);
        if (whole is null) return;
        // The step that ends an epoch belongs to it.
        var number = (long)Math.Ceiling(step.Epoch);
        if (number == epochNumber) return;
        var begun = time - TimeSpan.FromSeconds(seconds);
        Close(ref epoch, begun);
        epochNumber = number;
        epoch = TrainingTelemetry.Source.StartActivity("epoch", ActivityKind.Internal, whole.Context, startTime: begun);
        epoch?.SetTag("lowrank.epoch", number);
    }

    private void Note(in TrackedEvent tracked, string name, params ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var collected = new ActivityTagsCollection { ["step"] = tracked.Event.Step };
        foreach (var (key, value) in tags)
            if (value is not null) collected[key] = value;
        (epoch ?? whole)?.AddEvent(new ActivityEvent(name, tracked.Time, collected));
    }

    private static void Close(ref Activity? activity, DateTimeOffset time)
    {
        activity?.SetEndTime(time.UtcDateTime);
        activity?.Dispose();
        activity = null;
    }
}
