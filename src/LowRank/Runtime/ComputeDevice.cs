using System.Globalization;
using TorchSharp;

namespace LowRank.Runtime;

/// <summary>The devices that this process can compute on, and how one is named: <c>cpu</c>, <c>cuda</c> (the first GPU) or <c>cuda:N</c>.</summary>
public static class ComputeDevice
{
    /// <summary>The variable that says what <c>auto</c> means, for whoever cannot give an option: a test program, a host.</summary>
    public const string Variable = "LOWRANK_DEVICE";

    private const string Automatic = "auto", Processor = "cpu", Cuda = "cuda";

    private static readonly Lazy<int> gpus = new(() => NativeRuntime.HasCudaLibrary() && NativeRuntime.Load().HasCudaLibrary && torch.cuda.is_available() ? torch.cuda.device_count() : 0);

    /// <summary>GPUs that libtorch can use; 0 with a libtorch without CUDA.</summary>
    public static int CudaCount => gpus.Value;

    /// <summary>The processor, and after it each GPU.</summary>
    public static IReadOnlyList<torch.Device> Present => [torch.CPU, .. Enumerable.Range(0, CudaCount).Select(i => new torch.Device(DeviceType.CUDA, i))];

    /// <summary>The device of a name.</summary>
    /// <param name="name">
    /// <c>cpu</c>, <c>cuda</c>, <c>cuda:N</c>; null or <c>auto</c> for what <c>LOWRANK_DEVICE</c> says, else the first GPU where there is one, else the processor.
    /// </param>
    /// <exception cref="LowRankException">The name is none of these, or there is no such device.</exception>
    public static torch.Device Find(string? name = null)
    {
        if (name is null or Automatic)
        {
            var set = Environment.GetEnvironmentVariable(Variable);
            if (string.IsNullOrEmpty(set) || set == Automatic) return CudaCount > 0 ? new torch.Device(DeviceType.CUDA, 0) : torch.CPU;
            name = set;
        }
        if (name == Processor) return torch.CPU;
        var index = name == Cuda ? 0
            : name.StartsWith(Cuda + ":", StringComparison.Ordinal) && int.TryParse(name.AsSpan(Cuda.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
            : throw new LowRankException($"The device \"{name}\" is not known. It is {Automatic}, {Processor}, {Cuda} (the first GPU) or {Cuda}:N.");
        return index < CudaCount ? new torch.Device(DeviceType.CUDA, index) : throw Missing(index);
    }

    private static LowRankException Missing(int index) => new(CudaCount > 0
        ? string.Create(CultureInfo.InvariantCulture, $"There is no device {Cuda}:{index}: libtorch sees {CudaCount} GPU{(CudaCount == 1 ? "" : "s")}, from {Cuda}:0 on.")
        : NativeRuntime.Load().HasCudaLibrary
            ? $"There is no device {Cuda}:{index}: libtorch has CUDA, but sees no GPU that it can use. 'lowrank doctor' says why; {Processor} works."
            : $"There is no device {Cuda}:{index}: this libtorch has no CUDA. Build with -p:Torch=cuda, or set LOWRANK_TORCH_LIB to the torch/lib folder of a PyTorch 2.10 or 2.11 with CUDA; {Processor} works.");
}
