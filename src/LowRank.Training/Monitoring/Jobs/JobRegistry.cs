using System.Globalization;
using System.Text.Json;
using LowRank.Formats;
using LowRank.Runtime;

namespace LowRank.Training.Monitoring.Jobs;

/// <summary>
/// The runs that go on now: a small file for each in a folder of the user's, written by its process and removed at its end. What a killed process left is swept by whoever lists them.
/// </summary>
/// <param name="folder">Where the files lie.</param>
internal sealed class JobRegistry(string folder)
{
    private static int registered;

    /// <summary>The list of the user: <c>running</c> in the folder of what LowRank keeps, which <c>LOWRANK_CACHE</c> moves.</summary>
    public static JobRegistry OfUser() => new(Path.Combine(NativePlaces.UserFolder, "running"));

    /// <summary>Enters a run of this process.</summary>
    /// <param name="output">The run's folder.</param>
    /// <param name="time">The clock.</param>
    /// <returns>Removes the entry when it is disposed; null where none can be written, as in a home that is read-only: the run is then not listed.</returns>
    public IDisposable? TryRegister(string output, TimeProvider time)
    {
        var path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}-{Interlocked.Increment(ref registered)}.json"));
        var entry = new JobEntry
        {
            Pid = Environment.ProcessId,
            ProcessStarted = ProcessProbe.Of(Environment.ProcessId)!.Started,
            Machine = Environment.MachineName,
            Folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(output)),
            Started = time.GetUtcNow(),
        };
        try
        {
            // No AtomicFile: nobody needs the entry after a crash, and a run's own writes are what a test counts.
            Directory.CreateDirectory(folder);
            var partial = path + ".partial";
            using (var file = File.Create(partial)) JsonSerializer.Serialize(file, entry, JobJson.Default.JobEntry);
            File.Move(partial, path, overwrite: true);
            return new Registration(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The runs of this machine that go on, the oldest first. Entries of processes that are no more are removed; those of other machines are left alone.</summary>
    public IReadOnlyList<JobEntry> List()
    {
        if (!Directory.Exists(folder)) return [];
        var found = new List<JobEntry>();
        foreach (var path in Directory.GetFiles(folder, "*.json"))
        {
            if (Read(path) is not { } entry)
            {
                Remove(path);
                continue;
            }
            if (entry.Machine != Environment.MachineName) continue;
            if (ProcessProbe.Of(entry.Pid) is { } process && process.IsSame(entry.ProcessStarted)) found.Add(entry);
            else Remove(path);
        }
        return [.. found.OrderBy(e => e.Started)];
    }

    // Files appear whole: one that cannot be read is none of ours, or damaged.
    private static JobEntry? Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), JobJson.Default.JobEntry);
        }
        catch (Exception error) when (error is JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static void Remove(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Another listing was faster, or it is somebody else's: it is passed over the next time as well.
        }
    }

    private sealed class Registration(string path) : IDisposable
    {
        public void Dispose() => Remove(path);
    }
}
