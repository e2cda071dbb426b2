namespace LowRank.Training.Lecture;

/// <summary>How a claim of the lecture fares when it is computed.</summary>
internal enum ClaimVerdict
{
    /// <summary>It holds as it is said, within the precision it is said with.</summary>
    Reproduced,

    /// <summary>What it is about holds, but a number is another one or a condition belongs to it.</summary>
    Refined,

    /// <summary>The figures do not show it.</summary>
    NotReproduced,

    /// <summary>Nothing here can compute it yet.</summary>
    Open,
}
