using LowRank.Training.Lecture.Laboratory;
using LowRank.Training.Lecture.Memory;

namespace LowRank.Training.Lecture.Tuning;

/// <summary>S4: q,v is basic, q,k,v balanced, all linear layers best: at equal settings, and at equal parameters.</summary>
internal sealed class TargetChoice : IClaimCheck
{
    public string Id => "S4";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var all = MainRuns.Lora(laboratory).Experiment;
        var (qv, qkv) = (Of(laboratory, "qv"), Of(laboratory, "qkv"));
        // The rank at which q and v have about as many parameters as all layers at rank 16.
        var equalRank = (int)Math.Round((double)MainRuns.LoraSettings.Rank * all.Trainable / qv.Trainable);
        var equal = laboratory.Train(MainRuns.LoraSettings with { Target = "qv", Rank = equalRank });
        return new Figures
        {
            ["rank"] = MainRuns.LoraSettings.Rank,
            ["loss_qv"] = qv.HeldOutLoss,
            ["trainable_qv"] = qv.Trainable,
            ["loss_qkv"] = qkv.HeldOutLoss,
            ["trainable_qkv"] = qkv.Trainable,
            ["loss_all"] = all.HeldOutLoss,
            ["trainable_all"] = all.Trainable,
            ["equal_rank"] = equalRank,
            ["loss_qv_equal_parameters"] = equal.HeldOutLoss,
            ["trainable_qv_equal_parameters"] = equal.Trainable,
        };
    }

    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["loss_all"] < figures["loss_qv"] && figures["loss_all"] < figures["loss_qkv"],
        exactly: figures["loss_qkv"] < figures["loss_qv"] && figures["loss_all"] < figures["loss_qv_equal_parameters"]);

    /// <summary>The run of a preset.</summary>
    internal static Experiment Of(LectureLaboratory laboratory, string target) => laboratory.Train(MainRuns.LoraSettings with { Target = target });
}
