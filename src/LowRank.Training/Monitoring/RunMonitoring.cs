using LowRank.Runtime.Cuda;
using LowRank.Training.Monitoring.Jobs;
using LowRank.Training.Monitoring.Nvml;
using LowRank.Training.Planning;
using LowRank.Training.Settings;

namespace LowRank.Training.Monitoring;

/// <summary>What watches a run of <c>lowrank train</c>: the samples of its machine, and its entry in the list of running jobs.</summary>
internal sealed class RunMonitoring : IDisposable
{
    private readonly MachineMonitor? monitor;
    private readonly IDisposable? entry;

    private RunMonitoring(MachineMonitor? monitor, IDisposable? entry) => (this.monitor, this.entry) = (monitor, entry);

    /// <summary>Sets up what the settings ask for. The samples begin with the trainer.</summary>
    /// <param name="run">The run, which is set up.</param>
    /// <param name="device">Where it computes.</param>
    public static RunMonitoring Begin(TrainingRun run, RunDevice device)
    {
        var entry = JobRegistry.OfUser().TryRegister(run.Settings.Output.Output, TimeProvider.System);
        if (run.Settings.Output.MonitorEvery == 0) return new(null, entry);
        // Without NVML there are no GPUs to tell of: most machines for the CPU.
        var sampler = new MachineSampler(TimeProvider.System, NvmlDevices.TryOpen(out _))
        {
            ProcessLimitBytes = device.IsProcessor && run.Settings.Memory.Memory is { } limit ? MemorySize.Parse(limit, "--memory") : null,
            PagedBytes = run.Memory.PagedBytes,
            OwnBusId = device.IsProcessor ? null : CudaDevice.BusId(device.Device.index),
        };
        return new(run.Trainer.Monitor = new MachineMonitor(sampler, TimeSpan.FromSeconds(run.Settings.Output.MonitorEvery), TimeProvider.System), entry);
    }

    /// <summary>Stops watching.</summary>
    public void Dispose()
    {
        monitor?.Dispose();
        entry?.Dispose();
    }
}
