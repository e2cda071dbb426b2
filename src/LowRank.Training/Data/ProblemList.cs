namespace LowRank.Training.Data;

/// <summary>Collects the problems of one file. Keeps the first of each severity up to a limit and counts the rest.</summary>
/// <param name="file">The file.</param>
/// <param name="onBadRow">Whether an error of a row leaves that row out, as a warning, or refuses the file.</param>
/// <param name="limit">How many of each severity are kept.</param>
internal sealed class ProblemList(string file, BadRows onBadRow = BadRows.Stop, int limit = ProblemList.DefaultLimit)
{
    public const int DefaultLimit = 200;

    private readonly List<Problem> kept = [];

    public string File => file;
    public int Errors { get; private set; }
    public int Warnings { get; private set; }

    /// <summary>The kept problems in the order of the file.</summary>
    public IReadOnlyList<Problem> Kept => [.. kept.OrderBy(p => p.Line)];

    /// <summary>Rows left out because they are wrong.</summary>
    public int SkippedRows { get; private set; }

    /// <summary>Something is wrong with a row.</summary>
    public void Error(int line, string message, int column = 0)
    {
        if (onBadRow == BadRows.Skip) Warn(line, message + "; the row is left out", column);
        else Fatal(line, message, column);
    }

    /// <summary>A row, or a line that should have been one, is left out, after its errors were told.</summary>
    public void Skip() => SkippedRows++;

    /// <summary>Something is wrong with the file as a whole, which leaving out a row does not mend.</summary>
    public void Fatal(int line, string message, int column = 0)
    {
        if (Errors++ < limit) kept.Add(new Problem(ProblemSeverity.Error, file, line, column, message));
    }

    public void Warn(int line, string message, int column = 0)
    {
        if (Warnings++ < limit) kept.Add(new Problem(ProblemSeverity.Warning, file, line, column, message));
    }

    /// <summary>Throws when there are errors, with the warnings beside them.</summary>
    public void ThrowIfErrors()
    {
        if (Errors > 0) throw new DatasetException(Kept, Errors + Warnings);
    }
}
