using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using LowRank.Runtime.Memory;

namespace LowRank.Runtime.Diagnosis;

/// <summary>System, processor, memory and disk.</summary>
internal static class SystemChecks
{
    private const long LittleMemory = 2L << 30;
    private const long LittleDisk = 1L << 30;

    public static IEnumerable<DoctorCheck> All()
    {
        yield return new("lowrank", typeof(SystemChecks).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown");
        yield return new("system", $"{RuntimeInformation.OSDescription.Trim()}, {RuntimeInformation.RuntimeIdentifier}, {RuntimeInformation.FrameworkDescription}");
        var processor = ProcessorInfo.Read();
        yield return new("processor", $"{processor.Name}, {processor.LogicalCores} threads", Number: processor.LogicalCores);
        yield return processor.Extensions.Contains("AVX2") || processor.Extensions.Contains("NEON")
            ? new("vector extensions", string.Join(' ', processor.Extensions))
            : new("vector extensions", processor.Extensions.Count == 0 ? "none" : string.Join(' ', processor.Extensions), DoctorStatus.Warn,
                "Without AVX2 the plain kernels run, several times slower. In a virtual machine, let it see the host's processor model.");
        yield return Memory(MachineMemory.Read());
        var process = ProcessMemory.Read();
        yield return new("this process", $"{Bytes(process.ResidentBytes)} resident, {Bytes(process.PeakResidentBytes)} at most", Number: process.ResidentBytes);
        yield return Disk();
    }

    /// <summary>A number of bytes in GiB or MiB.</summary>
    internal static string Bytes(long bytes) => bytes >= 1L << 30
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.0} GiB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):0} MiB");

    internal static DoctorCheck Memory(MachineMemory memory)
    {
        var limit = memory.GroupLimitBytes is { } bytes ? $", limited to {Bytes(bytes)} by the container" : "";
        var value = $"{Bytes(memory.UsableBytes)} usable of {Bytes(memory.TotalBytes)}{limit}";
        return memory.UsableBytes < LittleMemory
            ? new("memory", value, DoctorStatus.Warn, "Only the smallest models fit. End other programs, or raise the container's limit.", memory.UsableBytes)
            : new("memory", value, Number: memory.UsableBytes);
    }

    private static DoctorCheck Disk()
    {
        var folder = Environment.CurrentDirectory;
        try
        {
            var free = new DriveInfo(folder).AvailableFreeSpace;
            return free < LittleDisk
                ? new("disk", $"{Bytes(free)} free in {folder}", DoctorStatus.Warn, "Adapters are small, but checkpoints and converted models are not: free some space.", free)
                : new("disk", $"{Bytes(free)} free in {folder}", Number: free);
        }
        catch (Exception error) when (error is IOException or ArgumentException or UnauthorizedAccessException)
        {
            return new("disk", $"free space of {folder} is not known: {error.Message}", DoctorStatus.Warn);
        }
    }
}
