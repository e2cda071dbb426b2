using System.Diagnostics;
using LowRank.Runtime.Memory;
using LowRank.Testing;
using LowRank.Testing.Nvml;
using LowRank.Training.Events;
using LowRank.Training.Guards;
using LowRank.Training.Monitoring;
using LowRank.Training.Monitoring.Nvml;

namespace LowRank.Training.Tests.Monitoring;

/// <summary>What is seen of the machine, what a limit is, and that looking costs the training thread nothing.</summary>
public sealed class MachineSamplerTests
{
    private const long Gigabyte = 1_000_000_000;

    private static ProcessMemory Process(long resident, long? anonymous = null) => new() { ResidentBytes = resident, PeakResidentBytes = resident, AnonymousBytes = anonymous ?? resident };

    private static MachineMemory Machine(long? limit = null, long? free = null) => new() { TotalBytes = 32 * Gigabyte, AvailableBytes = 20 * Gigabyte, GroupLimitBytes = limit, GroupAvailableBytes = free };

    [Fact]
    public void A_busy_process_uses_its_processors()
    {
        using var sampler = new MachineSampler(TimeProvider.System, null);
        var clock = Stopwatch.StartNew();
        while (clock.ElapsedMilliseconds < 300) Thread.SpinWait(1000);
        var sample = sampler.Sample();
        // One thread of them all; another program may hold it back.
        Assert.InRange(sample.ProcessorPercent!.Value, 5.0 / Environment.ProcessorCount, 100);
        if (OperatingSystem.IsLinux()) Assert.InRange(sample.MachineProcessorPercent!.Value, 0, 100);
        Assert.InRange(sample.Elapsed.TotalSeconds, 0.3, 60);
        Assert.True(sample.ResidentBytes > 10 << 20);
        Assert.Empty(sample.Gpus);
    }

    [Theory]
    [InlineData("cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 1\n", 150L, 1000L), InlineData("cpu  10 0 5 80 5", 15L, 100L), InlineData("cpu  10 0", null, null), InlineData("intr 5", null, null), InlineData("", null, null)]
    public void The_kernels_ticks(string text, long? busy, long? all)
    {
        var read = ProcessorUse.Parse(System.Text.Encoding.UTF8.GetBytes(text));
        Assert.Equal((busy, all), (read?.Busy, read?.All));
    }

    [Fact]
    public void The_limit_is_the_one_that_is_nearest()
    {
        using var free = new MachineSampler(TimeProvider.System, null);
        Assert.Null(free.Limit(Process(Gigabyte), Machine()));
        Assert.Equal((6 * Gigabyte, 8 * Gigabyte, "the control group"), free.Limit(Process(Gigabyte), Machine(8 * Gigabyte, 2 * Gigabyte)));
        using var bound = new MachineSampler(TimeProvider.System, null) { ProcessLimitBytes = 4 * Gigabyte, PagedBytes = Gigabyte };
        Assert.Equal((Gigabyte, 4 * Gigabyte, "--memory"), bound.Limit(Process(Gigabyte), Machine()));
        Assert.Equal((6 * Gigabyte, 8 * Gigabyte, "the control group"), bound.Limit(Process(Gigabyte), Machine(8 * Gigabyte, 2 * Gigabyte)));
        Assert.Equal((7 * Gigabyte / 2, 4 * Gigabyte, "--memory"), bound.Limit(Process(7 * Gigabyte / 2), Machine(8 * Gigabyte, 2 * Gigabyte)));
        // Half a GB of the resident is the optimizer's file, which can leave.
        Assert.Equal((3 * Gigabyte, 4 * Gigabyte, "--memory"), bound.Limit(Process(7 * Gigabyte / 2, anonymous: 3 * Gigabyte), Machine()));
    }

    [Fact]
    public void The_GPU_of_the_run_is_known_by_its_address()
    {
        using var folder = new TemporaryFolder();
        using var sampler = new MachineSampler(TimeProvider.System, NvmlDevices.TryOpen(FakeNvml.Build(folder.Path), out _)) { OwnBusId = "0000:3d:00.0" };
        Assert.Equal([false, true, false], sampler.Sample().Gpus.Select(g => g.IsOwn));
    }

    private static GuardFinding? Judge(long used, long limit, long resident, params GpuSample[] gpus) => new MemoryHigh().During(new MachineSampled
    {
        Elapsed = TimeSpan.Zero, ResidentBytes = resident, MemoryInUseBytes = limit == 0 ? null : used, MemoryLimitBytes = limit == 0 ? null : limit, MemoryLimitOrigin = "--memory", Gpus = gpus,
    }, new GuardedRun { Method = "lora", LearningRate = 1, HiddenSize = 1, BaseParameters = 1, TrainableParameters = 1, Examples = [] });

    [Fact]
    public void Four_fifths_of_a_limit_or_of_the_own_GPU_are_told()
    {
        Assert.Null(Judge(0, 0, Gigabyte));
        Assert.Null(Judge(8 * Gigabyte, 10 * Gigabyte, 8 * Gigabyte));
        Assert.StartsWith("8.10 GB of the 10.00 GB of --memory are in use (81 %).", Judge(81 * Gigabyte / 10, 10 * Gigabyte, 8 * Gigabyte)!.Message, StringComparison.Ordinal);
        // Others fill the control group: no setting of this run would help.
        Assert.Null(Judge(9 * Gigabyte, 10 * Gigabyte, Gigabyte / 2));
        var gpu = new GpuSample { Index = 3, MemoryUsedBytes = 81 * Gigabyte / 10, MemoryTotalBytes = 10 * Gigabyte };
        Assert.Null(Judge(0, 0, Gigabyte, gpu));
        Assert.Contains("10.00 GB of GPU 3 are in use", Judge(0, 0, Gigabyte, gpu with { IsOwn = true })!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_monitor_looks_until_its_end_and_taking_costs_no_memory()
    {
        using var monitor = new MachineMonitor(new MachineSampler(TimeProvider.System, null), TimeSpan.FromMilliseconds(20), TimeProvider.System);
        Assert.Null(monitor.Take());
        // The first call compiles the method.
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) monitor.Take();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        monitor.Start();
        var (seen, clock) = (new List<TrainingEvent>(), Stopwatch.StartNew());
        while (seen.Count < 3 && clock.Elapsed < TimeSpan.FromSeconds(20))
            if (monitor.Take() is { } sample) seen.Add(sample);
            else Thread.Sleep(5);
        Assert.Equal(3, seen.OfType<MachineSampled>().Count());
        Assert.Equal(seen.Cast<MachineSampled>().Select(s => s.Elapsed).Order(), seen.Cast<MachineSampled>().Select(s => s.Elapsed));
        monitor.End();
        while (monitor.Take() is not null) { }
        Thread.Sleep(100);
        Assert.Null(monitor.Take());
    }

    [Fact]
    public void The_peak_of_a_run_on_a_gpu_is_what_it_holds_there()
    {
        using var folder = new TemporaryFolder();
        var library = FakeNvml.Build(folder.Path);
        using var monitor = new MachineMonitor(new MachineSampler(TimeProvider.System, NvmlDevices.TryOpen(library, out _)) { OwnBusId = "0000:1b:00.0" }, TimeSpan.FromHours(1), TimeProvider.System);
        Assert.Null(monitor.OwnGpuPeakBytes);
        monitor.End();
        // The library knows no process of this number, as from within a container: all that is in use.
        Assert.Equal(120_000L << 20, monitor.OwnGpuPeakBytes);
        var gpu = new GpuSample { Index = 0, MemoryUsedBytes = 50, Processes = [new(7, 20), new(8, null)] };
        Assert.Equal((20L, 50L, 50L), (gpu.HeldBy(7), gpu.HeldBy(8), gpu.HeldBy(9)));
        using var onProcessor = new MachineMonitor(new MachineSampler(TimeProvider.System, NvmlDevices.TryOpen(library, out _)), TimeSpan.FromHours(1), TimeProvider.System);
        onProcessor.End();
        Assert.Null(onProcessor.OwnGpuPeakBytes);
    }

    [Fact]
    public void What_cannot_be_read_ends_the_monitoring_with_a_warning_and_not_the_run()
    {
        using var monitor = new MachineMonitor(new MachineSampler(new BrokenClock(), null), TimeSpan.FromHours(1), TimeProvider.System);
        monitor.End();
        Assert.Contains("can no longer be monitored: the clock is broken", Assert.IsType<RunWarning>(monitor.Take()).Message, StringComparison.Ordinal);
    }

    private sealed class BrokenClock : TimeProvider
    {
        private int calls;

        public override long GetTimestamp() => ++calls > 2 ? throw new InvalidOperationException("the clock is broken.") : base.GetTimestamp();
    }
}
