using LowRank.Training.Events;
using static LowRank.Training.Guards.GuardFinding;

namespace LowRank.Training.Guards;

/// <summary>
/// The held-out loss rises while the training loss falls: the lecture's E1 seen in the run. Two evaluations in a row must be worse than the best one by 2 %, and the steps between
/// them better on average than those before the best.
/// </summary>
internal sealed class Overfitting : IGuard
{
    private const double Margin = 1.02;
    private double loss, lossAtBest = double.PositiveInfinity, best = double.PositiveInfinity;
    private long tokens, bestStep;
    private int worse;

    public string Id => GuardIds.Overfitting;

    public GuardFinding? During(TrainingEvent happened, GuardedRun run)
    {
        if (happened is StepCompleted step) (loss, tokens) = (loss + step.Loss * step.Terms, tokens + step.Terms);
        if (happened is not EvaluationCompleted evaluation || tokens == 0) return null;
        var trained = loss / tokens;
        (loss, tokens) = (0, 0);
        if (evaluation.Loss <= best)
        {
            (best, bestStep, lossAtBest, worse) = (evaluation.Loss, evaluation.Step, trained, 0);
            return null;
        }
        worse = evaluation.Loss > Margin * best ? worse + 1 : 0;
        if (worse < 2 || trained >= lossAtBest) return null;
        return new(Text($"The held-out loss has risen from {best:0.000} at step {bestStep} to {evaluation.Loss:0.000}, while the training loss fell from {lossAtBest:0.000} to {trained:0.000}: the model overfits."),
            "It now learns the rows by heart instead of what they have in common; a high rank and many epochs on little data do that.",
            "Stop at the best with --patience 2, take fewer --epochs, a lower --rank or --dropout 0.1, or more data.");
    }
}
