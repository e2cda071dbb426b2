namespace LowRank.Training.Data;

/// <summary>Collects the problems of one file. Keeps the first of each severity up to a limit and counts the rest.</summary>
internal sealed class ProblemList(string file, int limit = ProblemList.DefaultLimit)
{
    public const int DefaultLimit = 200;

    private readonly List<Problem> kept = [];

    public string File => file;
    public int Errors { get; private set; }
    public int Warnings { get; private set; }

    /// <summary>The kept problems in the order of the file.</summary>
    public IReadOnlyList<Problem> Kept => [.. kept.OrderBy(p => p.Line)];

    public void Error(int line, string message, int column = 0)
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
