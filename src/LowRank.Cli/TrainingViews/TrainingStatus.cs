using System.Globalization;
using LowRank.Cli.Terminal;
using LowRank.Training.Events;

namespace LowRank.Cli.TrainingViews;

/// <summary>Where a run stands, gathered from its events.</summary>
internal sealed class TrainingStatus
{
    private StepCompleted? last;
    private bool isForecast;
    private double loss;
    private long supervised;

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
        loss += step.Loss * step.SupervisedTokens;
        supervised += step.SupervisedTokens;
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
        (loss, supervised) = (0, 0);
        return text;
    }

    /// <summary>Loss, learning rate, speed and memory; empty before the first step.</summary>
    public string Numbers() => last is null ? "" : string.Create(CultureInfo.InvariantCulture,
        $"loss {Quantity.Loss(supervised > 0 ? loss / supervised : last.Loss)}  lr {Quantity.Rate(last.LearningRate)}  {last.TokensPerSecond:N0} tok/s  {Quantity.Bytes(last.PeakBytes)}");

    /// <summary>The time left, after a gap; empty where it is not known.</summary>
    public string Left(string gap) => last?.TimeLeft is { } left && Step < TotalSteps ? $"{gap}{Quantity.Time(left)} left" : "";
}
