namespace LowRank.Training.Runs;

/// <summary>A step of a past run.</summary>
/// <param name="Step">Its number, from 1.</param>
/// <param name="Loss">Loss per supervised token, or per pair of preferences; NaN where it was no number.</param>
/// <param name="LearningRate">The learning rate.</param>
/// <param name="Tokens">Tokens of the step.</param>
/// <param name="SupervisedTokens">Those of them that were learned.</param>
/// <param name="TokensPerSecond">Its speed.</param>
/// <param name="ResidentMiB">Resident memory after it, in MiB.</param>
/// <param name="PeakMiB">The highest so far, in MiB.</param>
/// <param name="SecondsLeft">What the rest was expected to take; null in the first steps.</param>
internal readonly record struct StepPoint(long Step, double Loss, double LearningRate, long Tokens, long SupervisedTokens, double TokensPerSecond, double ResidentMiB, double PeakMiB, double? SecondsLeft)
{
    /// <summary>Pairs of the step, where preferences were learned.</summary>
    public long? Pairs { get; init; }

    /// <summary>How many terms the loss is a mean of.</summary>
    public long Terms => Pairs ?? SupervisedTokens;

    /// <summary>What it took, in seconds.</summary>
    public double Seconds => TokensPerSecond > 0 ? Tokens / TokensPerSecond : 0;
}
