namespace LowRank.Training.Data;

/// <summary>How bad a <see cref="Problem"/> is.</summary>
public enum ProblemSeverity
{
    /// <summary>The row can be loaded; something about it is worth knowing.</summary>
    Warning,

    /// <summary>The file cannot be used until it is mended.</summary>
    Error,
}
