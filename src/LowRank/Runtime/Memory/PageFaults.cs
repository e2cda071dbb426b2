using System.Globalization;

namespace LowRank.Runtime.Memory;

/// <summary>Page faults of this process: each costs about a microsecond, and a page of the heap that comes anew is cleared besides.</summary>
internal static class PageFaults
{
    // proc_pid_stat(5): the tenth field; the second is the program's name in brackets, which may hold spaces.
    private const int FieldsAfterName = 7;

    /// <summary>Those since the process began that no disk had part in, of all threads; null where the system does not count them.</summary>
    public static long? Minor()
    {
        if (!OperatingSystem.IsLinux()) return null;
        var line = File.ReadAllText("/proc/self/stat");
        var fields = line[(line.LastIndexOf(')') + 2)..].Split(' ');
        return long.Parse(fields[FieldsAfterName], CultureInfo.InvariantCulture);
    }
}
