using LowRank.Training.Lecture.Laboratory;

namespace LowRank.Training.Lecture.Advanced;

/// <summary>A1: DoRA improves on LoRA (arXiv:2402.09353). Both at the same number of parameters, as nearly as ranks allow, with what a step costs.</summary>
internal sealed class DirectionAndLength : IClaimCheck
{
    public string Id => "A1";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var dora = laboratory.Train(MainRuns.LoraSettings with { Variant = "dora" });
        // DoRA trains a length for each output too; a rank more gives LoRA at least as many parameters.
        var lora = laboratory.Train(MainRuns.LoraSettings with { Rank = MainRuns.LoraSettings.Rank + 1 });
        return new Figures
        {
            ["steps"] = dora.Losses.Count,
            ["rank_dora"] = MainRuns.LoraSettings.Rank,
            ["rank_lora"] = MainRuns.LoraSettings.Rank + 1,
            ["trained_dora"] = dora.Trainable,
            ["trained_lora"] = lora.Trainable,
            ["held_out_dora"] = dora.HeldOutLoss,
            ["held_out_lora"] = lora.HeldOutLoss,
            ["time_ratio"] = lora.TokensPerSecond / dora.TokensPerSecond,
        };
    }

    // One run of each: what is within a tenth is not told apart.
    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["held_out_dora"] < 1.1 * figures["held_out_lora"],
        exactly: figures["held_out_dora"] < 0.9 * figures["held_out_lora"]);
}
