namespace LowRank.Training.Data;

/// <summary>What one row of a plain text file is.</summary>
public enum TextSplit
{
    /// <summary>Lines up to the next blank line.</summary>
    Paragraph,

    /// <summary>Each line that is not blank.</summary>
    Line,

    /// <summary>The whole file.</summary>
    File,
}
