using LowRank.Adapters;
using LowRank.Layers;
using LowRank.Quantization;
using LowRank.Runtime.Interop;
using LowRank.Training.Events;
using LowRank.Training.Guards;
using LowRank.Training.Lecture.Laboratory;
using static TorchSharp.torch;

namespace LowRank.Training.Lecture.Mistakes;

/// <summary>E5: the base is trained by accident: one run whose base may be trained, one whose base is written into, and a sound one.</summary>
internal sealed class BaseMistake : IClaimCheck
{
    private static readonly ExperimentSettings Short = new() { Rank = 8, Rows = 16, Steps = 3 };

    public string Id => "E5";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var sound = laboratory.Train(Short);
        var (written, _) = laboratory.Train(Short, (_, _) => true, (trainer, model) => trainer.Sinks.Add(e =>
        {
            if (e is StepCompleted { Step: 2 }) Nudge(model.Decoder.Slots.OfType<LinearSlot>().First(s => s.Module is AdaptedLinear));
        }));
        return new Figures
        {
            ["guard_trainable"] = IsStopped(laboratory) ? 1 : 0,
            ["guard_changed"] = written.Spoke(GuardIds.BaseChanged),
            ["guard_sound"] = sound.Spoke(GuardIds.BaseTrainable) + sound.Spoke(GuardIds.BaseChanged),
        };
    }

    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["guard_sound"] == 0 && figures["guard_trainable"] + figures["guard_changed"] > 0,
        exactly: figures["guard_trainable"] == 1 && figures["guard_changed"] == 1);

    private static bool IsStopped(LectureLaboratory laboratory)
    {
        try
        {
            laboratory.Train(Short, (_, _) => true, (_, model) => model.Decoder.Slots.OfType<NormSlot>().First().Module.Weight.requires_grad_(true));
            return false;
        }
        catch (GuardException stopped)
        {
            return stopped.Ids.Contains(GuardIds.BaseTrainable);
        }
    }

    // The weights lie over a read-only file: a changed copy is put in their place.
    private static void Nudge(LinearSlot slot)
    {
        var adapted = (AdaptedLinear)slot.Module;
        var values = adapted.Frozen.Weight.Dequantize(0, adapted.OutFeatures);
        using (no_grad()) values.add_(Scalars.Of(1e-3f), Scalars.One);
        slot.Module = new AdaptedLinear(new FrozenLinear(new DenseWeight(values), adapted.Frozen.Bias?.clone()), adapted.Adapter);
        adapted.Frozen.Dispose();
    }
}
