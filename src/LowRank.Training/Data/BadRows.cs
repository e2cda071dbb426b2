namespace LowRank.Training.Data;

/// <summary>What is done about rows that are wrong.</summary>
public enum BadRows
{
    /// <summary>The file is refused, and everything that is wrong in it is told.</summary>
    Stop,

    /// <summary>The rows are left out, told as warnings and counted. What is wrong with the file as a whole (a cut array, no rows at all) still refuses it.</summary>
    Skip,
}
