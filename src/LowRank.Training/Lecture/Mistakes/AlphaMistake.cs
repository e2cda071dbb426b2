using LowRank.Training.Guards;
using LowRank.Training.Lecture.Laboratory;

namespace LowRank.Training.Lecture.Mistakes;

/// <summary>E2: a wrong alpha makes training unstable: alpha of many times the rank, beside alpha = r.</summary>
internal sealed class AlphaMistake : IClaimCheck
{
    /// <summary>Alpha by the rank in the faulty run.</summary>
    internal const int Factor = 64;

    public string Id => "E2";

    public Figures Measure(LectureLaboratory laboratory)
    {
        Experiment faulty = Large(laboratory), sound = MainRuns.Lora(laboratory).Experiment;
        return new Figures
        {
            ["factor"] = Factor,
            ["guard_faulty"] = faulty.Spoke(GuardIds.AlphaUnusual),
            ["guard_sound"] = sound.Spoke(GuardIds.AlphaUnusual),
            ["diverges_faulty"] = Math.Max(faulty.Spoke(GuardIds.LossDiverges), faulty.Spoke(GuardIds.LossNotFinite)),
            ["rise_faulty"] = faulty.LargestRise(),
            ["rise_sound"] = sound.LargestRise(),
            ["first_loss"] = sound.Losses[0],
            ["final_loss_faulty"] = faulty.MeanLoss(0.9, 1),
            ["final_loss_sound"] = sound.MeanLoss(0.9, 1),
        };
    }

    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["guard_faulty"] == 1 && figures["guard_sound"] == 0,
        exactly: figures["rise_faulty"] > 2 * figures["rise_sound"] && figures["final_loss_faulty"] > figures["final_loss_sound"]);

    /// <summary>The run with the large alpha.</summary>
    internal static Experiment Large(LectureLaboratory laboratory) =>
        laboratory.Train(MainRuns.LoraSettings with { Alpha = Factor * MainRuns.LoraSettings.Rank, Steps = Math.Max(8, laboratory.Steps / 2) });
}
