using LowRank.Training.Guards;

namespace LowRank.Training.Data.Tokens;

/// <summary>
/// Reads, renders and tokenizes rows on all cores and writes them into a token file. Each thread takes the next few rows, makes of them what will stand in the file, and writes that when it
/// is its turn, so that no thread waits for the slowest and memory holds a few blocks of rows.
/// </summary>
internal sealed class RowTokenizer
{
    /// <summary>Rows that a thread takes at a time: enough that taking costs nothing, few enough that all are busy to the end.</summary>
    private const int BlockRows = 32;

    /// <summary>Blocks that may wait for an earlier one, for each thread.</summary>
    private const int BlocksAhead = 16;

    /// <summary>Errors that are kept for the message.</summary>
    private const int Kept = 1000;

    private readonly IReadOnlyList<DataRow> rows;
    private readonly int count;
    private readonly ExampleBuilder builder;
    private readonly TokenFileWriter writer;
    private readonly Action<int>? progress;
    private readonly SortedDictionary<int, TokenBlock> waiting = [];
    private readonly List<Problem> problems = [];
    private int taken, written, found, errors, examples;
    private long told = TimeProvider.System.GetTimestamp();

    private RowTokenizer(IReadOnlyList<DataRow> rows, int count, ExampleBuilder builder, TokenFileWriter writer, Action<int>? progress) =>
        (this.rows, this.count, this.builder, this.writer, this.progress) = (rows, count, builder, writer, progress);

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
        var work = new RowTokenizer(rows, count, builder, writer, progress);
        var blocks = (count + BlockRows - 1) / BlockRows;
        var workers = Math.Min(threads < 0 ? Environment.ProcessorCount : threads, blocks);
        if (workers > 0) Parallel.For(0, workers, new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = workers }, (_, state) => work.Run(blocks, workers * BlocksAhead, state, cancellation));
        work.Check();
        writer.Commit();
    }

    private void Run(int blocks, int ahead, ParallelLoopState state, CancellationToken cancellation)
    {
        while (Interlocked.Increment(ref taken) - 1 is var number && number < blocks && !state.IsExceptional)
        {
            cancellation.ThrowIfCancellationRequested();
            var block = new TokenBlock(writer.Answers);
            for (var i = number * BlockRows; i < Math.Min(count, (number + 1) * BlockRows); i++)
            {
                var (example, problem) = builder.BuildOne(rows[i]);
                block.Add(example, problem);
            }
            lock (waiting)
            {
                // An earlier block is the work of a thread that does not wait for anything.
                while (number - written > ahead && !state.IsExceptional) Monitor.Wait(waiting, TimeSpan.FromSeconds(1));
                waiting.Add(number, block);
                while (waiting.Remove(written, out var next))
                {
                    Take(next);
                    written++;
                }
                Monitor.PulseAll(waiting);
            }
        }
    }

    private void Take(TokenBlock block)
    {
        foreach (var (_, problem) in block.Problems)
        {
            found++;
            if (problem.Severity == ProblemSeverity.Error) errors++;
            if (problems.Count < Kept) problems.Add(problem);
        }
        examples += block.Examples;
        if (errors == 0) writer.Add(block);
        block.Release();
        if (progress is null || TimeProvider.System.GetElapsedTime(told) < TimeSpan.FromSeconds(10)) return;
        told = TimeProvider.System.GetTimestamp();
        progress(Math.Min(count, (written + 1) * BlockRows));
    }

    private void Check()
    {
        if (errors > 0) throw new DatasetException(problems, found);
        if (examples == 0 && count > 0) throw new DatasetException(rows[0].File, $"none of its {count} rows has a token to learn") { GuardId = GuardIds.NothingSupervised };
    }
}
