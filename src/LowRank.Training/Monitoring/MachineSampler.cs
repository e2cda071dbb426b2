using LowRank.Runtime.Memory;
using LowRank.Training.Events;
using LowRank.Training.Monitoring.Nvml;

namespace LowRank.Training.Monitoring;

/// <summary>Looks at processors, memory and GPUs for one run. Not safe for use by several threads at once.</summary>
internal sealed class MachineSampler : IDisposable
{
    private readonly TimeProvider time;
    private readonly ProcessorUse processors;
    private readonly NvmlDevices? gpus;
    private readonly long begin;

    /// <param name="time">The clock.</param>
    /// <param name="gpus">The GPUs, which the sampler closes at its end; null for none.</param>
    public MachineSampler(TimeProvider time, NvmlDevices? gpus)
    {
        (this.time, this.gpus) = (time, gpus);
        begin = time.GetTimestamp();
        processors = new ProcessorUse(time);
    }

    /// <summary>The user's limit for the process, in bytes; null for none, and for runs on a GPU, whose limit is another.</summary>
    public long? ProcessLimitBytes { get; init; }

    /// <summary>Bytes that a paged optimizer keeps in a mapped file: they leave memory when it runs short.</summary>
    public long PagedBytes { get; init; }

    /// <summary>The PCI address of the GPU that the run computes on, as the CUDA driver writes it; null for none.</summary>
    public string? OwnBusId { get; init; }

    /// <summary>Looks once.</summary>
    public MachineSampled Sample()
    {
        var (own, all) = processors.Take();
        var process = ProcessMemory.Read();
        var limit = Limit(process, MachineMemory.Read());
        return new MachineSampled
        {
            Elapsed = time.GetElapsedTime(begin),
            ProcessorPercent = own,
            MachineProcessorPercent = all,
            ResidentBytes = process.ResidentBytes,
            MemoryInUseBytes = limit?.InUse,
            MemoryLimitBytes = limit?.Bytes,
            MemoryLimitOrigin = limit?.Origin,
            Gpus = gpus is null ? [] : [.. gpus.Read().Select(g => IsOwn(g) ? g with { IsOwn = true } : g)],
        };
    }

    /// <summary>The limit of which the largest share is in use; null where there is none.</summary>
    internal (long InUse, long Bytes, string Origin)? Limit(ProcessMemory process, MachineMemory machine)
    {
        (long InUse, long Bytes, string Origin)? group = machine is { GroupLimitBytes: { } limit and > 0, GroupAvailableBytes: { } free } ? (limit - free, limit, "the control group") : null;
        if (ProcessLimitBytes is not { } most) return group;
        var leaving = process.AnonymousBytes is { } anonymous ? Math.Min(PagedBytes, process.ResidentBytes - anonymous) : PagedBytes;
        (long InUse, long Bytes, string Origin) own = (process.ResidentBytes - leaving, most, "--memory");
        return group is { } other && (double)other.InUse / other.Bytes > (double)own.InUse / own.Bytes ? other : own;
    }

    // The CUDA driver writes the domain with four digits, NVML with eight.
    private bool IsOwn(GpuSample gpu) => OwnBusId is { Length: > 0 } own && gpu.PciBusId is { } bus && bus.EndsWith(own, StringComparison.OrdinalIgnoreCase);

    /// <summary>Closes NVML.</summary>
    public void Dispose() => gpus?.Dispose();
}
