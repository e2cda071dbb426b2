namespace LowRank.Training.Comparison.Parts;

/// <summary>What a part of a comparison does.</summary>
internal enum PartKind
{
    /// <summary>Trains with one learning rate and seed.</summary>
    Train,

    /// <summary>Measures what was trained, or the base.</summary>
    Evaluate,
}
