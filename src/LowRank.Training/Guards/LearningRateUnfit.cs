using static LowRank.Training.Guards.GuardFinding;

namespace LowRank.Training.Guards;

/// <summary>
/// The learning rate is far from what fits the method. Full fine-tuning moves every weight a little (1e-5 to 5e-5), an adapter moves few weights much (1e-4 to 1e-3, about ten
/// times as much: arXiv:2106.09685, tables D.11-D.12; arXiv:2305.14314, table 9). The rate that a model bears grows as it gets narrower, about as 1/width (arXiv:2203.03466), so
/// that the upper bounds, which hold from a width of 1024 on, are raised for tiny models.
/// </summary>
internal sealed class LearningRateUnfit : IGuard
{
    private const double FullLow = 1e-7, FullHigh = 2e-4, LoraLow = 1e-5, LoraHigh = 5e-3, ReferenceWidth = 1024;

    public string Id => GuardIds.LearningRateUnfit;

    public GuardFinding? Before(GuardedRun run)
    {
        var (low, high, name, usual) = run.FreezesBase ? (LoraLow, LoraHigh, "an adapter", "1e-4 to 1e-3") : (FullLow, FullHigh, "full fine-tuning", "1e-5 to 5e-5");
        // Preferences are learned at a tenth to a fiftieth of these rates: the policy is to stay near where it began (arXiv:2305.18290, appendix B; arXiv:2405.14734).
        if (run.LearnsPreferences) (low, usual) = (low / 50, run.FreezesBase ? "5e-6 to 5e-5" : "5e-7 to 5e-6");
        var limit = high * Math.Max(1, ReferenceWidth / run.HiddenSize);
        // With LoRA+ it is that of A, and B learns faster.
        if (run.LearningRate * Math.Max(1, run.RateRatio) < low)
            return new(Text($"The learning rate {Rate(run.LearningRate)} is far too low for {name} (below {Rate(low)})."),
                run.FreezesBase ? "An adapter starts from B = 0 and needs about ten times the rate of full fine-tuning; at this one the loss will hardly move." : "At this rate the weights will hardly move.",
                $"Take --learning-rate {usual}.");
        if (run.LearningRate < limit) return null;
        return new(Text($"The learning rate {Rate(run.LearningRate)} is far too high for {name} of a model of width {run.HiddenSize} (from {Rate(limit)} on)."),
            run.FreezesBase ? "Steps this large make the loss unstable, and the model forgets what it knew." : "Every weight moves with it, and the model forgets what it knew; full fine-tuning takes about a tenth of the rate of a LoRA.",
            $"Take --learning-rate {usual}.");
    }
}
