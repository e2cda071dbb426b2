using LowRank.Training.Lecture.Laboratory;
using LowRank.Training.Methods;

namespace LowRank.Training.Lecture.Choosing;

/// <summary>T1: start with QLoRA, upgrade when needed: a QLoRA adapter is put on the 16-bit base and trained on.</summary>
internal sealed class UpgradeFromQlora : IClaimCheck
{
    public string Id => "T1";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var (qlora, settings) = (MainRuns.Qlora(laboratory), MainRuns.LoraSettings with { Steps = Math.Max(2, laboratory.Steps / 3), LearningRate = laboratory.IsTiny ? 1e-3 : 2e-4 });
        using var model = laboratory.Load();
        var adapter = model.Attach(LectureLaboratory.ConfigOf(settings));
        qlora.Values.CopyTo(adapter);
        var moved = laboratory.HeldOutLoss(model);
        var (upgraded, _) = laboratory.Train(settings, model, new LoraWeights(model, adapter), (_, _) => true);
        return new Figures
        {
            ["loss_base"] = MainRuns.Base(laboratory).HeldOutLoss,
            ["loss_qlora"] = qlora.Experiment.HeldOutLoss,
            ["loss_moved"] = moved,
            ["steps"] = upgraded.Losses.Count,
            ["loss_upgraded"] = upgraded.HeldOutLoss,
        };
    }

    // Nothing is lost by the move where at least nine tenths of the gain stay; the upgrade is worth it where the loss falls further.
    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["loss_base"] - figures["loss_moved"] > 0.9 * (figures["loss_base"] - figures["loss_qlora"]),
        exactly: figures["loss_upgraded"] < figures["loss_qlora"]);
}
