using System.Diagnostics;
using System.Globalization;
using System.Text;
using LowRank.Training.Tests.Fuzzing.Mutation;

namespace LowRank.Training.Tests.Fuzzing;

/// <summary>
/// Reads damaged files of a format one after another. Each must end in an error of LowRank or in success: another exception, more than <see cref="LongestSeconds"/> or more than
/// <see cref="MostBytes"/> is a fault. The number of the file that is being read stands in a file, so that it is known where the process ends with it.
/// </summary>
internal sealed class FuzzRun(FuzzFormat format, int seed, string folder)
{
    /// <summary>Processor time that one file may take.</summary>
    public const int LongestSeconds = 10;

    /// <summary>Memory that reading one file may hold at a time.</summary>
    public const long MostBytes = 1 << 30;

    // What Windows gives to threads; Linux gives more, so deep nesting would pass here and end the process there.
    private const int StackBytes = 1536 << 10;
    private const int DifferentFaults = 12;
    private const double LookSeconds = 0.2;

    private readonly List<FuzzFault> faults = [];
    private readonly Dictionary<string, int> places = new(StringComparer.Ordinal);
    private string work = "";
    private long current, tried, passed, succeeded;
    private double longest;
    private long most;
    private Exception? broken;

    /// <summary>The faults, each kind once.</summary>
    public IReadOnlyList<FuzzFault> Faults => faults;

    /// <summary>The share of files whose outermost form was accepted.</summary>
    public double PassedShare => (double)passed / Math.Max(1, tried);

    /// <summary>What was done, in a line.</summary>
    public string Summary => string.Create(CultureInfo.InvariantCulture,
        $"{format.Name}: {tried} files of seed {seed}, {passed} past the header ({100 * PassedShare:F1} %), {succeeded} read, {tried - succeeded - places.Values.Sum()} refused, {places.Values.Sum()} faults; longest {longest * 1000:F0} ms, most memory {most / 1048576.0:F1} MiB");

    /// <summary>Reads files with these numbers.</summary>
    public void Execute(int first, int count)
    {
        Directory.CreateDirectory(folder);
        work = Directory.CreateDirectory(Path.Combine(folder, $"{format.Name}-work")).FullName;
        var thread = new Thread(() => Work(first, count), StackBytes) { IsBackground = true, Name = $"fuzz {format.Name}" };
        thread.Start();
        using var process = Process.GetCurrentProcess();
        var (seen, elapsed, cpu) = (-1L, 0.0, TimeSpan.Zero);
        while (!thread.Join(TimeSpan.FromSeconds(LookSeconds)))
        {
            process.Refresh();
            if (Interlocked.Read(ref current) is var index && index != seen) (seen, elapsed, cpu) = (index, 0, process.TotalProcessorTime);
            else elapsed += LookSeconds;
            // Time on the clock alone would blame a file for a busy machine, or for a process that was stopped; where nothing computes, it waits for something.
            var used = (process.TotalProcessorTime - cpu).TotalSeconds;
            if ((elapsed > LongestSeconds && used > LongestSeconds) || elapsed > 20 * LongestSeconds)
            {
                var bytes = format.Make(new FuzzRandom(seed, format.Name, seen));
                Fault(seen, bytes, $"not done after {elapsed:F0} s", "hang");
                return; // The thread cannot be ended; the process will be.
            }
        }
        if (broken is not null) throw new InvalidOperationException($"the fuzzing of {format.Name} itself failed at file {current}", broken);
        Directory.Delete(work, recursive: true);
    }

    private void Work(int first, int count)
    {
        try
        {
            using var at = File.OpenHandle(Path.Combine(folder, $"{format.Name}-current.txt"), FileMode.Create, FileAccess.Write, FileShare.Read);
            for (var i = 0; i < count; i++)
            {
                Interlocked.Exchange(ref current, first + i);
                RandomAccess.Write(at, Encoding.ASCII.GetBytes($"seed {seed}, file {first + i,10}\n"), 0);
                Try(first + i);
            }
        }
        catch (Exception error)
        {
            broken = error;
        }
    }

    private void Try(long index)
    {
        var bytes = format.Make(new FuzzRandom(seed, format.Name, index));
        var input = new FuzzInput(bytes, work);
        var (start, allocated) = (Stopwatch.GetTimestamp(), GC.GetAllocatedBytesForCurrentThread());
        tried++;
        try
        {
            format.Read(input);
            succeeded++;
        }
        catch (LowRankException error)
        {
            if (error.Message.Length == 0) Fault(index, bytes, "an error without a message", PlaceOf(error));
        }
        catch (Exception error)
        {
            Fault(index, bytes, $"{error.GetType().Name}: {error.Message.ReplaceLineEndings(" ")}", $"{error.GetType().Name} {PlaceOf(error)}");
        }
        var (seconds, memory) = (Stopwatch.GetElapsedTime(start).TotalSeconds, GC.GetAllocatedBytesForCurrentThread() - allocated);
        if (input.HasPassedHeader) passed++;
        // What was thrown away again is counted too: whether as much was held at a time, a second reading shows.
        if (memory > MostBytes) memory = Held(bytes);
        (longest, most) = (Math.Max(longest, seconds), Math.Max(most, memory));
        if (memory > MostBytes) Fault(index, bytes, $"{memory >> 20} MiB were held", "memory");
        foreach (var file in Directory.EnumerateFiles(work)) File.Delete(file);
    }

    private long Held(byte[] bytes)
    {
        foreach (var file in Directory.EnumerateFiles(work)) File.Delete(file);
        var (before, highest) = (GC.GetTotalMemory(forceFullCollection: true), 0L);
        var reading = new Thread(() =>
        {
            try
            {
                format.Read(new FuzzInput(bytes, work));
            }
            catch (Exception)
            {
                // The first reading was judged by how it ended.
            }
        }, StackBytes);
        reading.Start();
        while (!reading.Join(1)) highest = Math.Max(highest, GC.GetTotalMemory(forceFullCollection: false) - before);
        return highest;
    }

    private void Fault(long index, byte[] bytes, string what, string place)
    {
        places[place] = places.GetValueOrDefault(place) + 1;
        if (places[place] > 1 || faults.Count >= DifferentFaults) return;
        var path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{format.Name}-{index}.bin"));
        File.WriteAllBytes(path, bytes);
        faults.Add(new FuzzFault(index, what, place, path));
    }

    /// <summary>The first frames of the stack that are LowRank's own.</summary>
    private static string PlaceOf(Exception error) => string.Join(" < ", (error.StackTrace ?? "").Split('\n').Select(l => l.Trim())
        .Where(l => l.StartsWith("at LowRank.", StringComparison.Ordinal) && !l.Contains(".Fuzzing.", StringComparison.Ordinal)).Take(3).Select(l => l[3..].Split('(')[0] + LineOf(l)).DefaultIfEmpty("outside of LowRank"));

    private static string LineOf(string frame) => frame.LastIndexOf(":line ", StringComparison.Ordinal) is > 0 and var at ? ":" + frame[(at + 6)..] : "";
}
