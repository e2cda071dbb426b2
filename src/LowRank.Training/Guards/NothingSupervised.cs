namespace LowRank.Training.Guards;

/// <summary>No example holds a token to learn. Rows of a file are told by their lines before this; here stands what a program hands to the trainer.</summary>
internal sealed class NothingSupervised : IGuard
{
    public string Id => GuardIds.NothingSupervised;

    public GuardFinding? Before(GuardedRun run) => run.SupervisedTokens > 0 ? null : new GuardFinding(
        $"None of the {run.Examples.Count} examples has a token that is learned.",
        "The loss counts supervised tokens only, so its gradient would be zero at every step.",
        "Look at the rows with lowrank inspect FILE --model MODEL, and choose what is learned with --train-on.")
    { IsError = true };
}
