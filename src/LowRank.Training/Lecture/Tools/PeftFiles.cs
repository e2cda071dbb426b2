using LowRank.Training.Lecture.Laboratory;

namespace LowRank.Training.Lecture.Tools;

/// <summary>PEFT is the usual library: files and numbers in common. Its names in the adapter's file, its formula over the tensors there, and the same loss when it is read again.</summary>
internal sealed class PeftFiles : IClaimCheck
{
    public string Id => "PEFT";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var run = ToolRun.Of(laboratory);
        return new Figures
        {
            ["steps"] = run.Losses.Count,
            ["tensors"] = run.Tensors,
            ["named"] = run.Named,
            ["difference"] = run.MergeDifference,
            ["loss_end"] = run.HeldOutLoss,
            ["loss_again"] = run.HeldOutLossAgain,
        };
    }

    // A sum of as many products as the rank has, in another order of fp32, stays far below the bound.
    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["tensors"] > 0 && figures["named"] == figures["tensors"] && figures["difference"] < 1e-5,
        exactly: figures["loss_again"].IsNear(figures["loss_end"], 1e-6));
}
