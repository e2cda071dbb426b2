namespace LowRank.Optimizers;

/// <summary>The curve of a warm-up or fall of <see cref="LearningRateScheduleKind.WarmupStableDecay"/>.</summary>
public enum ScheduleShape
{
    /// <summary><c>linear</c>.</summary>
    Linear,

    /// <summary><c>cosine</c>: half a cosine wave.</summary>
    Cosine,

    /// <summary><c>1-sqrt</c>: 1 - √progress on the way down.</summary>
    OneMinusSqrt,
}
