using LowRank.Training.Data;
using LowRank.Training.Lecture.Laboratory;
using LowRank.Training.Lecture.Memory;
using LowRank.Training.Planning;

namespace LowRank.Training.Lecture.Choosing;

/// <summary>T5: leave 20 % of the memory free: how much a step can need beyond an average one, when the longest rows meet and the plan is as wrong as it may be.</summary>
internal sealed class Headroom : IClaimCheck
{
    // How far LowRank's tests let the plan be from the measured peak.
    private const double PlanError = 0.1;
    private const int Rank = 16, Batch = 8;

    public string Id => "T5";

    public Figures Measure(LectureLaboratory laboratory)
    {
        using var model = laboratory.Load();
        int[] lengths = [.. ExampleBuilder.For(model).Build(laboratory.Training).Examples.Select(e => e.Length).OrderDescending()];
        var (longest, mean) = (lengths[0], lengths.Average());
        double fixedBytes = SevenBillion.LinearNf4Bytes + SevenBillion.UnquantizedBytes + SevenBillion.Trainable(Rank, "qv") * LoraSize.TrainedBytes;
        double average = fixedBytes + SevenBillion.StepBytes(Rank, "qv", (long)Math.Ceiling(mean * Batch)), worst = fixedBytes + SevenBillion.StepBytes(Rank, "qv", (long)longest * Batch);
        return new Figures
        {
            ["used_share"] = MemoryBudget.UsableShare,
            ["plan_error"] = PlanError,
            ["mean_length"] = mean,
            ["longest_length"] = longest,
            ["batch_spread"] = worst / average,
            ["needed_share"] = MemoryBudget.UsableShare * (1 + PlanError) * worst / average,
        };
    }

    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["used_share"].IsNear(0.8, 1e-6) && figures["needed_share"] > figures["used_share"],
        exactly: figures["needed_share"] <= 1);
}
