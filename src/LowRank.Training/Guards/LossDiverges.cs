using LowRank.Training.Events;
using static LowRank.Training.Guards.GuardFinding;

namespace LowRank.Training.Guards;

/// <summary>
/// The lecture's E2: training becomes unstable. Batches differ, and a loss near zero can rise a hundredfold for a batch without harm; so all of five steps in a row must stand
/// well above the loss of the beginning, or above the best five by a whole nat and half of the beginning.
/// </summary>
internal sealed class LossDiverges : IGuard
{
    private const int Window = 5;
    private readonly Queue<double> recent = new(Window);
    private double? start, best;
    private double sum;

    public string Id => GuardIds.LossDiverges;

    public GuardFinding? During(TrainingEvent happened, GuardedRun run)
    {
        if (happened is not StepCompleted { SupervisedTokens: > 0 } step) return null;
        if (recent.Count == Window) sum -= recent.Dequeue();
        recent.Enqueue(step.Loss);
        sum += step.Loss;
        if (recent.Count < Window) return null;
        var mean = sum / Window;
        start ??= mean;
        best = Math.Min(best ?? mean, mean);
        // The first steps may be bad already: a warm-up that is missing shows at once.
        var limit = Math.Min(1.25 * start.Value + 0.25, best.Value + Math.Max(1, 0.5 * start.Value));
        foreach (var loss in recent) if (loss <= limit) return null;
        return new(Text($"The loss has been above {limit:0.00} for {Window} steps (now {step.Loss:0.00}; it began at {start:0.00}, and its best was {best:0.00}): training diverges."),
            "Steps are too large: a high learning rate or a high alpha makes training unstable.",
            Text($"Stop the run, and lower --learning-rate (it is {run.LearningRate:g3}) or --alpha, or raise --warmup; --max-grad-norm 1 keeps single steps small."));
    }
}
