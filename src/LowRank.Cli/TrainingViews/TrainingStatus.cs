using System.Globalization;
using LowRank.Cli.Terminal;
using LowRank.Training.Events;

namespace LowRank.Cli.TrainingViews;

/// <summary>Where a run stands, gathered from its events.</summary>
/// <param name="window">The loss is the mean of at most so many of the last steps.</param>
internal sealed class TrainingStatus(int window)
{
    private readonly Queue<StepCompleted> recent = [];
    private StepCompleted? last;
    private bool isForecast;

    /// <summary>Steps of the whole run.</summary>
    public long TotalSteps { get; private set; }

    /// <summary>Steps taken.</summary>
    public long Step { get; private set; }

    /// <summary>The share of the run that is done, from 0 to 1.</summary>
    public double Share => TotalSteps == 0 ? 0 : Math.Min(1, (double)Step / TotalSteps);

    /// <summary>Takes notice of an event.</summary>
    public void Add(TrainingEvent e)
    {
        Step = e.Step;
        if (e is RunStarted start) TotalSteps = start.TotalSteps;
        if (e is not StepCompleted step) return;
        last = step;
        recent.Enqueue(step);
        if (recent.Count > window) recent.Dequeue();
    }

    /// <summary>The expected time of the run, once, when it is known; else null.</summary>
    public string? TakeForecast()
    {
        if (isForecast || last?.TimeLeft is not { } left) return null;
        isForecast = true;
        return $"expected time: about {Quantity.Time(left)} for the remaining {Quantity.Count(TotalSteps - Step)} of {Quantity.Count(TotalSteps)} steps";
    }

    /// <summary>The step, with the mean loss of the steps since the last such line.</summary>
    public string TakeLine()
    {
        var text = $"step {Step}/{TotalSteps}  {Numbers()}{Left("  ")}";
        recent.Clear();
        return text;
    }

    /// <summary>Loss, learning rate, speed and memory; empty before the first step.</summary>
    public string Numbers() => last is null ? "" : string.Create(CultureInfo.InvariantCulture,
        $"loss {Quantity.Loss(Loss(last))}  lr {Quantity.Rate(last.LearningRate)}{Preferred()}  {last.TokensPerSecond:N0} tok/s  {Quantity.Bytes(last.PeakBytes)}{Paged(last)}");

    // What the optimizer moved in this step, once there is something: without pressure a paged state stays in memory.
    private static string Paged(StepCompleted step) => step.Paging is { InBytes: var read, OutBytes: var written } && read + written > 0
        ? $"  paged in {Quantity.Bytes(read)}, out {Quantity.Bytes(written)}" : "";

    /// <summary>The time left, after a gap; empty where it is not known.</summary>
    public string Left(string gap) => last?.TimeLeft is { } left && Step < TotalSteps ? $"{gap}{Quantity.Time(left)} left" : "";

    private string Preferred() => last?.Preference is not { } newest ? ""
        : $"  right {Quantity.Percent(recent.Count == 0 ? newest.Accuracy : recent.Sum(s => s.Preference!.Accuracy * s.Preference.Count) / recent.Sum(s => s.Preference!.Count))}";

    // Each supervised token counts alike, or each pair, as everywhere.
    private double Loss(StepCompleted newest) => recent.Count == 0 ? newest.Loss : recent.Sum(s => s.Loss * s.Terms) / Math.Max(1, recent.Sum(s => s.Terms));
}
