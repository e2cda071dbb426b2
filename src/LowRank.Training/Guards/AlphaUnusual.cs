using LowRank.Adapters;
using static LowRank.Training.Guards.GuardFinding;

namespace LowRank.Training.Guards;

/// <summary>
/// The lecture's E2: a wrong alpha makes training unstable. Its S3 calls alpha = r normal, 2r strong and r/2 weak; up to 4r is in use. rsLoRA scales by alpha/√r, and its paper
/// (arXiv:2312.03732) keeps alpha = 16 for ranks from 4 to 2048, scalings of 8 to 0.35.
/// </summary>
internal sealed class AlphaUnusual : IGuard
{
    public string Id => GuardIds.AlphaUnusual;

    public GuardFinding? Before(GuardedRun run)
    {
        var (low, high) = run.UsesRslora ? (0.25, 8.0) : (0.5, 4.0);
        var formula = run.UsesRslora ? "alpha/√r" : "alpha/r";
        // The farthest of all modules stands for them: patterns may give each its own.
        if (run.Targets.Where(t => t.Scaling < low || t.Scaling > high).MaxBy(t => Math.Abs(Math.Log(Math.Max(t.Scaling, 1e-9)))) is not { } target) return null;
        return new(Text($"Alpha {target.Alpha:g} at rank {target.Rank} scales the update by {target.Scaling:g3} ({formula}), outside of {low:g2} to {high:g2}: {target.Module.Name}."),
            target.Scaling > high ? "A high alpha learns fast, risks overfitting and makes training unstable; it acts as a higher learning rate." : "A low alpha learns slowly: the update hardly shows in the output, as with a low learning rate.",
            $"Leave --alpha out, which takes alpha = r; r/2 is weak and 2r is strong.{(run.UsesRslora ? " Or leave out --rslora." : "")}");
    }
}
