using static LowRank.Training.Guards.GuardFinding;

namespace LowRank.Training.Guards;

/// <summary>
/// The lecture's E5: the base is trained by accident. A tensor of the base that requires a gradient is an error. So is more than a tenth of all parameters as weights of the base
/// that are trained whole (<c>--modules-to-save</c>); a tenth in pairs of small matrices is a warning. The shares say nothing of bases under ten million parameters: the share of
/// a pair grows as the width falls, and at a width of 128 rank 16 is more than a tenth already.
/// </summary>
internal sealed class BaseTrainable : IGuard
{
    internal const double Share = 0.1;
    private const long SmallBase = 10_000_000;

    public string Id => GuardIds.BaseTrainable;

    public GuardFinding? Before(GuardedRun run)
    {
        if (!run.FreezesBase) return null;
        if (run.Model is { } model && BaseTensors.WithGradient(model.Decoder.Slots) is { Count: > 0 } open)
            return new($"{open.Count} tensors of the base require a gradient: {string.Join(", ", open.Take(3))}{(open.Count > 3 ? ", …" : "")}.",
                "An adapter is trained over a frozen base: W stays as it is, and only the small matrices move.",
                "Set requires_grad of these tensors to false, or train all weights on purpose with --method full.")
            { IsError = true };
        var all = run.BaseParameters + run.TrainableParameters - run.WholeParameters;
        if (run.BaseParameters < SmallBase || run.TrainableParameters <= Share * all) return null;
        var isWhole = run.WholeParameters > Share * all;
        return new(Text($"{100.0 * run.TrainableParameters / all:0.0} % of all parameters would be trained{(isWhole ? Text($", {run.WholeParameters:N0} of them weights of the base that are trained whole") : "")}."),
            "With an adapter that is usually 0.1 to 2 %; more than a tenth means that the base is trained, not adapted, with the memory that this takes.",
            isWhole ? "Leave modules out of --modules-to-save, or train all weights on purpose with --method full." : "Lower --rank or adapt fewer modules (--target qv), or train all weights on purpose with --method full.")
        { IsError = isWhole };
    }
}
