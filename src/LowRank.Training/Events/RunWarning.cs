namespace LowRank.Training.Events;

/// <summary>Something that a person should know although the run goes on.</summary>
/// <param name="Message">One or more sentences.</param>
public sealed record RunWarning(string Message) : TrainingEvent
{
    /// <summary>The guard that says it, one of <see cref="Guards.GuardIds"/>, by which it can be silenced; null for what is not a guard's.</summary>
    public string? Id { get; init; }
}
