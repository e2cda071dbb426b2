using LowRank.Training.Guards;
using LowRank.Training.Lecture.Laboratory;

namespace LowRank.Training.Lecture.Mistakes;

/// <summary>E1: a rank that is too high costs memory and overfits: rank 64 on few rows, beside rank 8.</summary>
internal sealed class RankMistake : IClaimCheck
{
    private const int Rows = 96;

    public string Id => "E1";

    public Figures Measure(LectureLaboratory laboratory)
    {
        Experiment faulty = Of(laboratory, 64), sound = Of(laboratory, 8);
        return new Figures
        {
            ["rows"] = Rows,
            ["guard_faulty"] = faulty.Spoke(GuardIds.RankTooHigh),
            ["guard_sound"] = sound.Spoke(GuardIds.RankTooHigh),
            ["trained_mb_high"] = faulty.TrainedBytes / 1e6,
            ["trained_mb_low"] = sound.TrainedBytes / 1e6,
            ["gap_high"] = faulty.Gap,
            ["gap_low"] = sound.Gap,
            ["held_out_high"] = faulty.HeldOutLoss,
            ["held_out_low"] = sound.HeldOutLoss,
        };
    }

    // Overfitting is more than a gap: what was not learned is answered worse.
    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["guard_faulty"] == 1 && figures["guard_sound"] == 0 && figures["trained_mb_high"] > figures["trained_mb_low"],
        exactly: figures["gap_high"] > figures["gap_low"] && figures["held_out_high"] > figures["held_out_low"]);

    private static Experiment Of(LectureLaboratory laboratory, int rank) =>
        laboratory.Train(new ExperimentSettings { Rank = rank, Rows = Rows, Steps = laboratory.ShortSteps, LearningRate = laboratory.IsTiny ? 2e-3 : 3e-4 });
}
