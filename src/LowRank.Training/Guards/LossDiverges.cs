using LowRank.Training.Events;
using static LowRank.Training.Guards.GuardFinding;

namespace LowRank.Training.Guards;

/// <summary>
/// The lecture's E2: training becomes unstable. Batches differ, and a loss near zero can rise a hundredfold for a batch without harm; so all of five steps in a row must stand well
/// above the first step, whose loss is that of the untrained model, or above the best five. How much a batch may differ by chance goes into that with three standard errors: the
/// loss of a token has a standard deviation of about 2, that of n tokens of 2/√n.
/// </summary>
internal sealed class LossDiverges : IGuard
{
    private const int Window = 5;
    private const double ThreeDeviations = 6;
    private readonly Queue<StepCompleted> recent = new(Window);
    private double? first;
    private double best = double.PositiveInfinity;

    public string Id => GuardIds.LossDiverges;

    public GuardFinding? During(TrainingEvent happened, GuardedRun run)
    {
        if (happened is not StepCompleted { SupervisedTokens: > 0 } step) return null;
        first ??= step.Loss;
        if (recent.Count == Window) recent.Dequeue();
        recent.Enqueue(step);
        if (recent.Count < Window) return null;
        var (mean, tokens, least) = (0.0, 0L, double.PositiveInfinity);
        foreach (var one in recent) (mean, tokens, least) = (mean + one.Loss / Window, tokens + one.SupervisedTokens, Math.Min(least, one.Loss));
        best = Math.Min(best, mean);
        var chance = ThreeDeviations / Math.Sqrt((double)tokens / Window);
        var limit = chance + Math.Min(first.Value + Math.Max(1, 0.25 * first.Value), best + Math.Max(1, 0.5 * first.Value));
        if (least <= limit) return null;
        return new(Text($"The loss has been above {limit:0.00} for {Window} steps (now {step.Loss:0.00}; it began at {first:0.00}, and its best was {Math.Min(best, first.Value):0.00}): training diverges."),
            "Steps are too large: a high learning rate or a high alpha makes training unstable.",
            Text($"Stop the run, and lower --learning-rate (it is {Rate(run.LearningRate)}) or --alpha, or raise --warmup; --max-grad-norm 1 keeps single steps small."));
    }
}
