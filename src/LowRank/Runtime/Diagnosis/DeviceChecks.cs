using LowRank.Kernels.Cuda;
using LowRank.Runtime.Cuda;
using TorchSharp;

namespace LowRank.Runtime.Diagnosis;

/// <summary>Which device would be used, and why.</summary>
internal static class DeviceChecks
{
    public static IEnumerable<DoctorCheck> All()
    {
        if (ComputeDevice.CudaCount is > 0 and var count)
        {
            yield return new("device", $"cuda, because libtorch sees {count} GPU{(count == 1 ? "" : "s")}", Number: count);
            for (var i = 0; i < count; i++)
            {
                yield return Gpu(i);
                var kernels = CudaKernelStatus.Of(i);
                yield return kernels.Kernels is not null || !kernels.IsWanted ? new($"kernels of cuda:{i}", kernels.Text)
                    : new($"kernels of cuda:{i}", kernels.Text, DoctorStatus.Warn, "Training works without them, but slower. docs/cuda.md says what they need.");
            }
        }
        else if (!HasNvidiaDriver())
        {
            yield return new("device", "cpu, because there is no NVIDIA GPU", Number: 0);
        }
        else
        {
            yield return NativeRuntime.Load().HasCudaLibrary
                ? new("device", "cpu: libtorch has CUDA, but cannot use this machine's GPU", DoctorStatus.Warn, "The NVIDIA driver is probably older than this libtorch's CUDA. Update it.", 0)
                : new("device", "cpu: there is an NVIDIA driver, but this libtorch has no CUDA", DoctorStatus.Warn,
                    "Build with -p:Torch=cuda, or set LOWRANK_TORCH_LIB to the torch/lib folder of a PyTorch 2.10 or 2.11 with CUDA.", 0);
        }
        yield return new("verified", Verification);
    }

    /// <summary>What has been proven of CUDA so far. It goes when the golden tests have passed on a GPU.</summary>
    internal const string Verification = "CUDA: compiled, not yet verified on a GPU";

    private static DoctorCheck Gpu(int index)
    {
        try
        {
            return new($"cuda:{index}", CudaDevice.Describe(index), Number: CudaDevice.Memory(index).Total);
        }
        catch (CudaException error)
        {
            return new($"cuda:{index}", error.Message, DoctorStatus.Warn, "Update the NVIDIA driver.");
        }
    }

    private static bool HasNvidiaDriver() =>
        OperatingSystem.IsLinux() ? File.Exists("/proc/driver/nvidia/version")
        : OperatingSystem.IsWindows() && File.Exists(Path.Combine(Environment.SystemDirectory, "nvcuda.dll"));
}
