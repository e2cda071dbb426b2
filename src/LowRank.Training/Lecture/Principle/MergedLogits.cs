using LowRank.Training.Lecture.Laboratory;

namespace LowRank.Training.Lecture.Principle;

/// <summary>P7: for inference W + s·B·A is put together: the merged model says the same within rounding.</summary>
internal sealed class MergedLogits : IClaimCheck
{
    public string Id => "P7";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var merge = MainRuns.Lora(laboratory).Merge;
        return new Figures
        {
            ["places"] = merge.Places,
            ["largest_logit"] = merge.Largest,
            ["difference"] = merge.Difference,
            ["same_choice"] = merge.SameChoice,
            ["bf16_difference"] = merge.RoundedDifference,
        };
    }

    // fp32 products over a few hundred elements, four layers deep, agree to about 1e-5 of the largest logit.
    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["difference"] < 0.01 * figures["largest_logit"],
        exactly: figures["difference"] < 1e-4 * figures["largest_logit"] && figures["same_choice"] == 1);
}
