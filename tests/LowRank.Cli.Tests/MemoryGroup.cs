using System.Globalization;

namespace LowRank.Cli.Tests;

/// <summary>A control group of Linux with a memory limit, below the one that this process is in; where none can be made, <c>--memory</c> with the same limit.</summary>
internal sealed class MemoryGroup : IDisposable
{
    private readonly string? folder;

    private readonly long limitBytes;

    private MemoryGroup(string? folder, long limitBytes, string kind) => (this.folder, this.limitBytes, Kind) = (folder, limitBytes, kind);

    /// <summary>What it is, for the test's output.</summary>
    public string Kind { get; }

    /// <summary>Options of the program that limit it where the kernel does not.</summary>
    public IReadOnlyList<string> Options => folder is null ? ["--memory", string.Create(CultureInfo.InvariantCulture, $"{limitBytes >> 20}MiB")] : [];

    /// <summary>Makes a group.</summary>
    /// <param name="limitBytes">Its limit, in bytes.</param>
    public static MemoryGroup Create(long limitBytes)
    {
        var why = "this system has none";
        foreach (var line in File.Exists("/proc/self/cgroup") ? File.ReadAllLines("/proc/self/cgroup") : [])
        {
            var parts = line.Split(':', 3);
            var second = parts[1].Length == 0;
            if (!second && !parts[1].Split(',').Contains("memory")) continue;
            var mount = second ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
            // In a container the path may be the host's: then the mount itself is ours.
            var own = Path.Combine(mount, parts[2].Trim('/'));
            var folder = Path.Combine(Directory.Exists(own) ? own : mount, $"lowrank-test-{Environment.ProcessId}-{Guid.NewGuid():N}");
            try
            {
                Directory.CreateDirectory(folder);
                File.WriteAllText(Path.Combine(folder, second ? "memory.max" : "memory.limit_in_bytes"), limitBytes.ToString(CultureInfo.InvariantCulture));
                return new MemoryGroup(folder, limitBytes, $"a control group (version {(second ? 2 : 1)}) of {limitBytes >> 20} MiB");
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                why = error.Message;
                if (Directory.Exists(folder)) Directory.Delete(folder);
            }
        }
        return new MemoryGroup(null, limitBytes, $"--memory {limitBytes >> 20}MiB, for no control group could be made ({why})");
    }

    /// <summary>A command line that runs another one within the group.</summary>
    public IReadOnlyList<string> Prefix => folder is null ? [] : ["/bin/sh", "-c", "echo $$ > \"$0/cgroup.procs\" && exec \"$@\"", folder];

    /// <summary>Removes it; its processes must have ended.</summary>
    public void Dispose()
    {
        // The kernel's count of a process that has just ended may lag.
        for (var attempt = 0; folder is not null && attempt < 50; attempt++)
        {
            try
            {
                Directory.Delete(folder);
                return;
            }
            catch (IOException)
            {
                Thread.Sleep(100);
            }
        }
    }
}
