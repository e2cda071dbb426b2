namespace LowRank.Training.Guards;

/// <summary>
/// The stable names of the guards: each finds one mistake, before or during a run, and <c>--silence</c> takes these names. <c>docs/guards.md</c> says of each when it speaks,
/// why, and what to do.
/// </summary>
public static class GuardIds
{
    /// <summary>The rank is too high for the data, for a module, or for the memory.</summary>
    public const string RankTooHigh = "rank-too-high";

    /// <summary>The scaling alpha/r is far from what works.</summary>
    public const string AlphaUnusual = "alpha-unusual";

    /// <summary>The loss climbs well above where it began.</summary>
    public const string LossDiverges = "loss-diverges";

    /// <summary>The 4-bit base answers more slowly than the 16-bit one would on this machine.</summary>
    public const string SlowFourBitInference = "slow-4bit-inference";

    /// <summary>More modules are adapted than the data or the memory allows for.</summary>
    public const string TargetsExceedNeed = "targets-exceed-need";

    /// <summary>The run is planned to need more than 80 % of the memory.</summary>
    public const string MemoryTight = "memory-tight";

    /// <summary>More than 80 % of the memory is in use while the run goes on.</summary>
    public const string MemoryHigh = "memory-high";

    /// <summary>The base would be trained although the method freezes it.</summary>
    public const string BaseTrainable = "base-trainable";

    /// <summary>The frozen base is no longer what it was before the run.</summary>
    public const string BaseChanged = "base-changed";

    /// <summary>The learning rate does not fit the method.</summary>
    public const string LearningRateUnfit = "lr-unfit";

    /// <summary>Rows hold no token to learn.</summary>
    public const string NothingSupervised = "nothing-supervised";

    /// <summary>Truncation leaves no row anything to learn.</summary>
    public const string AllTruncated = "all-truncated";

    /// <summary>The loss or the gradient is no longer a number.</summary>
    public const string LossNotFinite = "loss-not-finite";

    /// <summary>The held-out loss rises while the training loss falls.</summary>
    public const string Overfitting = "overfitting";

    /// <summary>Nothing, or a part of what is trained, gets a gradient.</summary>
    public const string ZeroGradients = "zero-gradients";

    /// <summary>The token that ends a turn is never learned.</summary>
    public const string EndOfTurnUntrained = "end-of-turn-untrained";

    /// <summary>The chat template is of another family than the tokenizer.</summary>
    public const string TemplateOfOtherFamily = "template-of-other-family";

    /// <summary>Held-out rows are among the training rows.</summary>
    public const string ValidationLeaks = "validation-leaks";

    /// <summary>All of them, in the order of the documentation.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        RankTooHigh, AlphaUnusual, LossDiverges, SlowFourBitInference, TargetsExceedNeed, MemoryTight, MemoryHigh, BaseTrainable, BaseChanged, LearningRateUnfit, NothingSupervised,
        AllTruncated, LossNotFinite, Overfitting, ZeroGradients, EndOfTurnUntrained, TemplateOfOtherFamily, ValidationLeaks,
    ];

    /// <summary>Whether a run can go on without this guard. Where no row holds a token to learn, or the loss is no number, there is nothing to go on with.</summary>
    /// <param name="id">The name of a guard.</param>
    public static bool CanBeSilenced(string id) => id is not (AllTruncated or LossNotFinite) && All.Contains(id);
}
