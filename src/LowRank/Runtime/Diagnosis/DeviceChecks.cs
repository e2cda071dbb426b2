using TorchSharp;

namespace LowRank.Runtime.Diagnosis;

/// <summary>Which device would be used, and why.</summary>
internal static class DeviceChecks
{
    public static IEnumerable<DoctorCheck> All()
    {
        if (torch.cuda.is_available())
        {
            var count = torch.cuda.device_count();
            yield return new("device", $"cuda, because libtorch sees {count} GPU{(count == 1 ? "" : "s")}", Number: count);
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
    }

    private static bool HasNvidiaDriver() =>
        OperatingSystem.IsLinux() ? File.Exists("/proc/driver/nvidia/version")
        : OperatingSystem.IsWindows() && File.Exists(Path.Combine(Environment.SystemDirectory, "nvcuda.dll"));
}
