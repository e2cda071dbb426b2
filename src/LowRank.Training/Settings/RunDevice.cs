using LowRank.Kernels.Cuda;
using LowRank.Runtime;
using LowRank.Runtime.Cuda;
using LowRank.Training.Planning;
using TorchSharp;

namespace LowRank.Training.Settings;

/// <summary>The device of a run, and what is known about it before a model is loaded.</summary>
/// <param name="Device">The device.</param>
internal sealed record RunDevice(torch.Device Device)
{
    /// <summary>Whether it is the CPU.</summary>
    public bool IsProcessor => Device.type == DeviceType.CPU;

    /// <summary>Its name, as the setting takes it.</summary>
    public string Name => IsProcessor ? "cpu" : $"cuda:{Device.index}";

    /// <summary>The choice, for the run's record.</summary>
    public string Reason => IsProcessor ? ComputeDevice.CudaCount == 0 ? "device cpu: libtorch sees no GPU" : $"device cpu: {ComputeDevice.Variable} says so" : $"device {Name}: {CudaDevice.Describe(Device.index)}; kernels {CudaKernelStatus.Of(Device.index).Text}";

    /// <summary>The device that the settings name or leave open.</summary>
    /// <exception cref="LowRankException">There is no such device, or it cannot do what the settings ask for.</exception>
    public static RunDevice Of(TrainSettings settings)
    {
        var found = new RunDevice(ComputeDevice.Find(settings.Model.Device));
        if (!found.IsProcessor && (settings.Optimization.Optimizer != "adamw" || settings.Optimization.Paged))
            throw new LowRankException($"8-bit and paged optimizer states are built for the CPU, the run is on {found.Name}. Leave --optimizer and --paged out, or take --device cpu.");
        return found;
    }

    /// <summary>What the run may occupy there: memory of the process, or free memory of the GPU, which then holds weights, activations and optimizer.</summary>
    /// <param name="memory">The user's limit, such as 8GB, or null.</param>
    public MemoryBudget Budget(string? memory)
    {
        if (IsProcessor) return MemoryBudget.Of(memory);
        var (free, total) = CudaDevice.Memory(Device.index);
        return memory is not null && MemorySize.Parse(memory, "--memory") is var limit && limit < free ? new MemoryBudget(limit, "of --memory")
            : new MemoryBudget(free, $"free of {Name}'s {MemorySize.Gigabytes(total)}");
    }
}
