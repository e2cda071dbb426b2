using LowRank.Training.Lecture.Laboratory;

namespace LowRank.Training.Lecture.Principle;

/// <summary>P5: W stays frozen and only B and A are trained: no base tensor gets a gradient, none has another byte behind the run, and the fingerprint is the same.</summary>
internal sealed class FrozenBaseKept : IClaimCheck
{
    public string Id => "P5";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var lora = MainRuns.Lora(laboratory);
        return new Figures
        {
            ["steps"] = lora.Experiment.Losses.Count,
            ["base_tensors"] = lora.Freeze.Tensors,
            ["requiring_gradient"] = lora.Freeze.RequiringGradient,
            ["changed"] = lora.Freeze.Changed,
            ["fingerprint_equal"] = lora.Freeze.IsFingerprintEqual ? 1 : 0,
            ["pairs"] = lora.Updates.Count,
            ["trainable"] = lora.Experiment.Trainable,
            ["loss_first"] = lora.Experiment.Losses[0],
            ["loss_last"] = lora.Experiment.MeanLoss(0.9, 1),
        };
    }

    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["requiring_gradient"] == 0 && figures["changed"] == 0 && figures["loss_last"] < figures["loss_first"],
        exactly: figures["fingerprint_equal"] == 1);
}
