namespace LowRank.Training.SideBySide;

/// <summary>What a step was for one of the adapters.</summary>
/// <param name="Name">The adapter.</param>
/// <param name="Step">Its steps so far.</param>
/// <param name="Loss">The loss per supervised token, before the step.</param>
/// <param name="GradientNorm">The norm of its gradient before clipping.</param>
/// <param name="Tokens">Tokens of its batches, padding not counted.</param>
public sealed record SideBySideStep(string Name, long Step, double Loss, double GradientNorm, long Tokens)
{
    /// <summary>Whether it still learns: false where loss or gradient are no longer numbers, after which it takes no further step.</summary>
    public bool IsFinite => double.IsFinite(Loss) && double.IsFinite(GradientNorm);
}
