using LowRank.Training.Lecture.Laboratory;
using LowRank.Training.Lecture.Memory;
using LowRank.Training.Lecture.Tuning;

namespace LowRank.Training.Lecture.Choosing;

/// <summary>T4: not every layer is needed, start with q and v: what they reach of what all linear layers reach, and what either costs.</summary>
internal sealed class QueryValueFirst : IClaimCheck
{
    public string Id => "T4";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var (before, qv, all) = (MainRuns.Base(laboratory).HeldOutLoss, TargetChoice.Of(laboratory, "qv"), MainRuns.Lora(laboratory).Experiment);
        return new Figures
        {
            ["loss_base"] = before,
            ["loss_qv"] = qv.HeldOutLoss,
            ["loss_all"] = all.HeldOutLoss,
            ["gain_qv"] = (before - qv.HeldOutLoss) / (before - all.HeldOutLoss),
            ["trained_mb_qv"] = qv.TrainedBytes / 1e6,
            ["trained_mb_all"] = all.TrainedBytes / 1e6,
            ["seven_mb_qv"] = SevenBillion.Trainable(16, "qv") * LoraSize.TrainedBytes / 1e6,
            ["seven_mb_all"] = SevenBillion.Trainable(16, "all-linear") * LoraSize.TrainedBytes / 1e6,
        };
    }

    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["gain_qv"] >= 0.5 && figures["trained_mb_qv"] < figures["trained_mb_all"],
        exactly: figures["gain_qv"] >= 0.98);
}
