using System.Collections.Concurrent;
using LowRank.Runtime;
using LowRank.Runtime.Cuda;

namespace LowRank.Kernels.Cuda;

/// <summary>Whether the kernels of a GPU can be used. Found once for each, when it is first asked for.</summary>
/// <param name="Kernels">The kernels, or null: then tensor operations do their work.</param>
/// <param name="Text">How they were compiled, or why there are none.</param>
/// <param name="IsWanted">False where the user has switched them off.</param>
internal sealed record CudaKernelStatus(CudaKernels? Kernels, string Text, bool IsWanted = true)
{
    /// <summary><c>off</c> sends all work to tensor operations.</summary>
    public const string Variable = "LOWRANK_CUDA_KERNELS";

    private static readonly ConcurrentDictionary<int, Lazy<CudaKernelStatus>> devices = new();

    /// <summary>The state of a device.</summary>
    public static CudaKernelStatus Of(int device) => devices.GetOrAdd(device, d => new Lazy<CudaKernelStatus>(() => Find(d))).Value;

    private static CudaKernelStatus Find(int device)
    {
        if (Environment.GetEnvironmentVariable(Variable) is "off") return new(null, $"off ({Variable}=off): tensor operations", IsWanted: false);
        try
        {
            var image = KernelImage.For(Nvrtc.Load(NativeRuntime.Load().LibTorchFolder), CudaDriver.Instance.Capability(device), KernelImage.CacheFolder);
            return new(new CudaKernels(new CudaLauncher(device, image)), image.Origin);
        }
        catch (CudaException error)
        {
            return new(null, $"tensor operations instead of own kernels: {error.Message}");
        }
    }
}
