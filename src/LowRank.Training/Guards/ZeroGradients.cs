using System.Runtime.InteropServices;
using LowRank.Optimizers;
using LowRank.Training.Events;
using TorchSharp;
using static LowRank.Training.Guards.GuardFinding;

namespace LowRank.Training.Guards;

/// <summary>
/// The whole gradient is zero for three steps although there is a loss, or some parameters never get any in the first twenty steps. With LoRA's start (B = 0) the A matrices have
/// none in the first step, and a warm-up from zero prolongs that, so a parameter counts as left out only after more steps than these.
/// A parameter is looked at until its first number that is not zero; after some steps there is nothing left to look at.
/// </summary>
internal sealed class ZeroGradients : IGuard
{
    private const int StepsToLook = 20, StepsToJudge = 8, StepsOfNone = 3;
    private const double NoLoss = 1e-3;
    private List<int>? unseen;
    private IReadOnlyList<string> names = [];
    private int steps, none;

    public string Id => GuardIds.ZeroGradients;

    public void SeeGradients(FlatParameters parameters)
    {
        if (steps++ >= StepsToLook || unseen is { Count: 0 }) return;
        unseen ??= [.. Enumerable.Range(0, parameters.Parameters.Count)];
        unseen.RemoveAll(i => HasAny(parameters.GradientOf(i)));
        names = [.. unseen.Select(i => parameters.Parameters[i].Name)];
    }

    public GuardFinding? During(TrainingEvent happened, GuardedRun run)
    {
        if (happened is not StepCompleted step) return null;
        none = step.GradientNorm == 0 && step.Loss > NoLoss ? none + 1 : 0;
        if (none == StepsOfNone)
            return new(Text($"The gradient has been exactly zero for {StepsOfNone} steps at a loss of {step.Loss:0.000}: nothing is learned."),
                "Without a gradient no parameter moves, however many steps are taken. With A and B both zero, for one, neither ever gets any.",
                "Begin with a new adapter instead of this one, and look at what is adapted (--target) and learned (--train-on).");
        return steps == StepsToLook ? LeftOut() : null;
    }

    public GuardFinding? After(GuardedRun run) => steps is >= StepsToJudge and < StepsToLook ? LeftOut() : null;

    private GuardFinding? LeftOut() => names.Count == 0 ? null : new(
        $"{names.Count} of the trained parameters got no gradient in the first {steps} steps: {string.Join(", ", names.Take(3))}{(names.Count > 3 ? ", …" : "")}.",
        "They take memory and learn nothing: the loss does not depend on them, or their partner is zero too.",
        "Leave these modules out of --target, or begin with a new adapter.");

    private static bool HasAny(torch.Tensor gradient)
    {
        if (gradient.device_type == DeviceType.CPU && gradient.NumberOfElements <= int.MaxValue / sizeof(float))
            return MemoryMarshal.Cast<byte, float>(gradient.bytes).ContainsAnyExcept(0f);
        using var noGrad = torch.no_grad();
        using var any = gradient.any();
        return any.item<bool>();
    }
}
