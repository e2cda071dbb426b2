namespace LowRank.Optimizers;

/// <summary>Neighbouring ranges that are updated between two moves of a paged state.</summary>
/// <param name="Begin">First range.</param>
/// <param name="End">The range after the last.</param>
/// <param name="Segments">The places of their moments in the state.</param>
internal sealed record StateWindow(int Begin, int End, IReadOnlyList<StateSegment> Segments)
{
    /// <summary>Bytes of the moments.</summary>
    public long Bytes { get; } = Segments.Sum(s => s.Bytes);
}
