using LowRank.Training.Events;

namespace LowRank.Training.Trackers;

/// <summary>An event and when it happened. A value, so that a place in a queue costs no allocation.</summary>
/// <param name="Event">What happened.</param>
/// <param name="Time">When, in UTC.</param>
internal readonly record struct TrackedEvent(TrainingEvent Event, DateTimeOffset Time)
{
    /// <summary>Seconds since 1970.</summary>
    public double Seconds => (Time - DateTimeOffset.UnixEpoch).TotalSeconds;
}
