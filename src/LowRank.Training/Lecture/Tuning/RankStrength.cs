using LowRank.Training.Lecture.Laboratory;

namespace LowRank.Training.Lecture.Tuning;

/// <summary>S1: rank 8 is lightest, 16 balanced, 32 strong, 64 strongest: held-out loss and memory by rank on one's data.</summary>
internal sealed class RankStrength : IClaimCheck
{
    private static readonly int[] Ranks = [8, 16, 32, 64];

    public string Id => "S1";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var figures = new Figures { ["loss_base"] = MainRuns.Base(laboratory).HeldOutLoss, ["rows"] = laboratory.Training.Count };
        foreach (var rank in Ranks)
        {
            var run = Of(laboratory, rank);
            figures[$"loss_rank_{rank}"] = run.HeldOutLoss;
            figures[$"trained_mb_rank_{rank}"] = run.TrainedBytes / 1e6;
        }
        return figures;
    }

    // Strength that grows with rank is a loss that falls with it; a difference below 2 % of the loss is no difference for one seed.
    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: Enumerable.Range(1, 3).All(i => figures[$"trained_mb_rank_{Ranks[i]}"] > figures[$"trained_mb_rank_{Ranks[i - 1]}"])
            && Ranks.All(r => figures[$"loss_rank_{r}"] < figures["loss_base"]),
        exactly: Enumerable.Range(1, 3).All(i => figures[$"loss_rank_{Ranks[i]}"] < 0.98 * figures[$"loss_rank_{Ranks[i - 1]}"]));

    /// <summary>The run of a rank; 16 is the one that most claims look at.</summary>
    internal static Experiment Of(LectureLaboratory laboratory, int rank) =>
        rank == MainRuns.LoraSettings.Rank ? MainRuns.Lora(laboratory).Experiment : laboratory.Train(MainRuns.LoraSettings with { Rank = rank });
}
