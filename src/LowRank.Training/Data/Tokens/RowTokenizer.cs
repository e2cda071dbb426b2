using LowRank.Training.Guards;

namespace LowRank.Training.Data.Tokens;

/// <summary>Reads, renders and tokenizes rows one stretch after another on all cores and writes them into a token file, so that memory holds no more than a stretch.</summary>
internal static class RowTokenizer
{
    /// <summary>Rows that are in memory at once: enough that threads seldom wait for the slowest, few enough for long rows.</summary>
    private const int Stretch = 1024;

    /// <summary>Errors that are kept for the message.</summary>
    private const int Kept = 1000;

    /// <summary>Writes the first rows of a list. The bytes do not depend on the number of threads.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="count">How many of them.</param>
    /// <param name="builder">Makes the examples.</param>
    /// <param name="path">The file to create or replace.</param>
    /// <param name="threads">The most threads; -1 for all cores.</param>
    /// <param name="progress">Is told how many rows are done, about every ten seconds.</param>
    /// <param name="cancellation">Stops the work; nothing is left.</param>
    /// <exception cref="DatasetException">Rows cannot be rendered or hold nothing to learn from; nothing is written.</exception>
    public static void Write(IReadOnlyList<DataRow> rows, int count, ExampleBuilder builder, string path, int threads = -1, Action<int>? progress = null, CancellationToken cancellation = default)
    {
        using var writer = new TokenFileWriter(path, builder.Options.Use == RowUse.Answers ? 1 : 2);
        var problems = new List<Problem>();
        var (found, errors, examples) = (0, 0, 0);
        var built = new (Example? Example, Problem? Problem)[Math.Min(Stretch, count)];
        var next = TimeProvider.System.GetTimestamp();
        var options = new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = threads };
        for (var from = 0; from < count; from += Stretch)
        {
            var length = Math.Min(Stretch, count - from);
            Parallel.For(0, length, options, i => built[i] = builder.BuildOne(rows[from + i]));
            foreach (var (example, problem) in built.AsSpan(0, length))
            {
                if (problem is not null)
                {
                    found++;
                    if (problem.Severity == ProblemSeverity.Error) errors++;
                    if (problems.Count < Kept) problems.Add(problem);
                }
                if (example is not null) examples++;
                if (errors == 0) writer.Add(example, problem);
            }
            if (TimeProvider.System.GetElapsedTime(next) < TimeSpan.FromSeconds(10)) continue;
            next = TimeProvider.System.GetTimestamp();
            progress?.Invoke(from + length);
        }
        if (errors > 0) throw new DatasetException(problems, found);
        if (examples == 0 && count > 0) throw new DatasetException(rows[0].File, $"none of its {count} rows has a token to learn") { GuardId = GuardIds.NothingSupervised };
        writer.Commit();
    }
}
