using LowRank.Testing;
using LowRank.Testing.Nvml;
using LowRank.Training.Monitoring;
using LowRank.Training.Monitoring.Nvml;

namespace LowRank.Training.Tests.Monitoring;

/// <summary>The calls of NVML against a library with known values: structures, versions, and what the driver refuses.</summary>
public sealed class NvmlTests : IDisposable
{
    private const long MiB = 1 << 20;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private static IReadOnlyList<GpuSample> Read(string library)
    {
        using var gpus = NvmlDevices.TryOpen(library, out var problem);
        Assert.Null(problem);
        return gpus!.Read();
    }

    [Fact]
    public void Everything_that_the_driver_tells_arrives()
    {
        var gpus = Read(FakeNvml.Build(folder.Path));
        Assert.Equal([0, 1, 2], gpus.Select(g => g.Index));
        var full = gpus[0];
        Assert.Equal(("NVIDIA H200", "00000000:1B:00.0"), (full.Name, full.PciBusId));
        // The second version of the structure: without the 500 MiB that the driver keeps for itself.
        Assert.Equal((120_000 * MiB, 143_771 * MiB), (full.MemoryUsedBytes, full.MemoryTotalBytes));
        Assert.Equal((97, 61, 612.345, 700.0), (full.UtilisationPercent, full.TemperatureCelsius, full.PowerWatts, full.PowerLimitWatts));
        // More than there was room for at first.
        Assert.Equal(40, full.Processes!.Count);
        Assert.Equal(new GpuProcess(1000, null), full.Processes[0]);
        Assert.Equal(new GpuProcess(1039, 39 * MiB), full.Processes[39]);
        Assert.False(full.IsOwn);
    }

    [Fact]
    public void What_is_not_supported_is_unknown()
    {
        var gpus = Read(FakeNvml.Build(folder.Path));
        var little = gpus[1];
        // Memory comes from the first version of the structure, where the second is not supported.
        Assert.Equal(("Tesla K80", 100 * MiB, 11_441 * MiB, 35), (little.Name, little.MemoryUsedBytes, little.MemoryTotalBytes, little.FanPercent));
        Assert.Null(little.UtilisationPercent);
        Assert.Null(little.TemperatureCelsius);
        Assert.Null(little.PowerWatts);
        Assert.Null(little.PowerLimitWatts);
        Assert.Null(little.Processes);
        Assert.Null(gpus[0].FanPercent);
        // A GPU that fell off the bus.
        Assert.Equal(new GpuSample { Index = 2 }, gpus[2]);
    }

    [Fact]
    public void A_driver_without_the_newer_functions_tells_what_it_can()
    {
        var gpus = Read(FakeNvml.Build(folder.Path, "OLD"));
        Assert.Equal(120_500 * MiB, gpus[0].MemoryUsedBytes);
        Assert.Null(gpus[0].PciBusId);
        Assert.Null(gpus[0].PowerLimitWatts);
        Assert.Equal([new GpuProcess(41, 7 * MiB), new GpuProcess(42, null)], gpus[0].Processes!);
    }

    [Fact]
    public void Without_a_driver_there_is_a_reason_and_no_crash()
    {
        Assert.Null(NvmlDevices.TryOpen(FakeNvml.Build(folder.Path, "UNLOADED"), out var unloaded));
        Assert.Equal("the NVIDIA driver is not loaded", unloaded);
        Assert.Null(NvmlDevices.TryOpen(folder.At("libnone.so"), out var absent));
        Assert.EndsWith("libnone.so, which LOWRANK_NVML names, does not load", absent, StringComparison.Ordinal);
    }

    [Fact]
    public void After_its_end_there_is_nothing_to_read()
    {
        var gpus = NvmlDevices.TryOpen(FakeNvml.Build(folder.Path), out _)!;
        gpus.Dispose();
        gpus.Dispose();
        Assert.Empty(gpus.Read());
    }

    // Whatever this machine has: no exception, and either GPUs or a reason.
    [Fact]
    public void The_driver_of_this_machine_is_asked()
    {
        using var gpus = NvmlDevices.TryOpen(null, out var problem);
        Assert.Equal(gpus is null, problem is not null);
        foreach (var gpu in gpus?.Read() ?? []) TestContext.Current.SendDiagnosticMessage(gpu.ToString());
        if (problem is not null) TestContext.Current.SendDiagnosticMessage(problem);
    }
}
