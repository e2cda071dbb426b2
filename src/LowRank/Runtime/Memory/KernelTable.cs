using System.Globalization;

namespace LowRank.Runtime.Memory;

/// <summary>Files of Linux with lines like <c>VmRSS:  123 kB</c> or <c>inactive_file 4096</c>.</summary>
internal static class KernelTable
{
    /// <summary>The numeric lines of a file, in bytes where the unit is kB; empty when the file cannot be read.</summary>
    public static Dictionary<string, long> Read(string path)
    {
        var table = new Dictionary<string, long>(StringComparer.Ordinal);
        if (!File.Exists(path)) return table;
        foreach (var line in File.ReadLines(path))
        {
            var parts = line.Split([' ', '\t', ':'], StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length is 2 or 3 && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var value))
                table[parts[0]] = parts.Length == 3 && parts[2] == "kB" ? value << 10 : value;
        }
        return table;
    }

    /// <summary>The single number that a file holds; null when the file is not there or holds a word such as <c>max</c>.</summary>
    public static long? Number(string path) =>
        File.Exists(path) && long.TryParse(File.ReadAllText(path).AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
}
