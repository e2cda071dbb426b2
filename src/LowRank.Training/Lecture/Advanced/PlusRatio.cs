using LowRank.Training.Lecture.Laboratory;

namespace LowRank.Training.Lecture.Advanced;

/// <summary>A3: LoRA+ improves the learning rate (arXiv:2402.12354): B learns faster than A. Ratios 1 and 16 at one rate of A, beside ratio 1 at a higher rate for both.</summary>
internal sealed class PlusRatio : IClaimCheck
{
    private const double Ratio = 16;

    public string Id => "A3";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var rate = laboratory.IsTiny ? 1e-3 : 1e-4;
        Experiment one = Of(laboratory, rate, null), sixteen = Of(laboratory, rate, Ratio), best = Of(laboratory, 5 * rate, null);
        return new Figures
        {
            ["rate"] = rate,
            ["steps"] = one.Losses.Count,
            ["loss_1"] = one.MeanLoss(0.9, 1),
            ["loss_16"] = sixteen.MeanLoss(0.9, 1),
            ["held_out_1"] = one.HeldOutLoss,
            ["held_out_16"] = sixteen.HeldOutLoss,
            ["best_rate"] = 5 * rate,
            ["held_out_best"] = best.HeldOutLoss,
        };
    }

    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["loss_16"] < figures["loss_1"] && figures["held_out_16"] < figures["held_out_1"],
        exactly: figures["held_out_16"] < figures["held_out_best"]);

    private static Experiment Of(LectureLaboratory laboratory, double rate, double? plus) =>
        laboratory.Train(MainRuns.LoraSettings with { LearningRate = rate, PlusRatio = plus, Steps = laboratory.ShortSteps });
}
