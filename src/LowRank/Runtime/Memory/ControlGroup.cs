namespace LowRank.Runtime.Memory;

/// <summary>The memory limit of a Linux control group, version 1 or 2.</summary>
/// <param name="LimitBytes">The least limit of the group and those above it.</param>
/// <param name="AvailableBytes">The least that one of them has left; its cached files that nobody uses count as free.</param>
internal sealed record ControlGroup(long LimitBytes, long AvailableBytes)
{
    /// <summary>Reads the limit of the process's group.</summary>
    /// <param name="membership">The file that names the process's groups, <c>/proc/self/cgroup</c>.</param>
    /// <param name="root">Where the groups are mounted, <c>/sys/fs/cgroup</c>.</param>
    /// <param name="totalBytes">Physical memory; a limit from there on is none.</param>
    /// <returns>Null when no group sets a limit.</returns>
    public static ControlGroup? Read(string membership, string root, long totalBytes)
    {
        if (!File.Exists(membership)) return null;
        ControlGroup? least = null;
        foreach (var line in File.ReadLines(membership))
        {
            // "0::/user.slice/a" (version 2) or "7:memory:/docker/b" (version 1).
            var parts = line.Split(':', 3);
            if (parts.Length < 3) continue;
            var second = parts[1].Length == 0;
            if (!second && !parts[1].Split(',').Contains("memory")) continue;
            var mount = second ? root : Path.Combine(root, "memory");
            // In a container the path may be the host's, of which only the end, or nothing, is mounted: folders that are not there are passed over.
            for (var path = parts[2].Trim('/'); ; path = Path.GetDirectoryName(path) ?? "")
            {
                if (OfFolder(Path.Combine(mount, path), second, totalBytes) is { } group)
                    least = new(Math.Min(group.LimitBytes, least?.LimitBytes ?? long.MaxValue), Math.Min(group.AvailableBytes, least?.AvailableBytes ?? long.MaxValue));
                if (path.Length == 0) break;
            }
        }
        return least;
    }

    private static ControlGroup? OfFolder(string folder, bool second, long totalBytes)
    {
        if (KernelTable.Number(Path.Combine(folder, second ? "memory.max" : "memory.limit_in_bytes")) is not { } limit || limit >= totalBytes) return null;
        var used = KernelTable.Number(Path.Combine(folder, second ? "memory.current" : "memory.usage_in_bytes")) ?? 0;
        var cached = KernelTable.Read(Path.Combine(folder, "memory.stat")).GetValueOrDefault(second ? "inactive_file" : "total_inactive_file");
        return new(limit, Math.Clamp(limit - used + cached, 0, limit));
    }
}
