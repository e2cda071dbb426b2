using LowRank.Kernels.Cuda;
using LowRank.Runtime;
using TorchSharp;
using Xunit;

namespace LowRank.Testing.Cuda;

/// <summary>The devices that tests run on: the processor, the CUDA kernels run on the processor, and each GPU.</summary>
public static class Devices
{
    /// <summary>The processor.</summary>
    public const string Processor = "cpu";

    /// <summary>The CUDA kernels over tensors of the CPU; see <see cref="EmulatedLauncher"/>.</summary>
    public const string Kernels = "kernels";

    [ThreadStatic] private static torch.Device? current;

    /// <summary>The device that the running test uses.</summary>
    public static torch.Device Current => current ?? torch.CPU;

    /// <summary>Whether the running test uses the CUDA kernels over tensors of the CPU.</summary>
    public static bool HasStandIn => CudaKernels.HasStandIn;

    /// <summary>A row for the processor and for each GPU.</summary>
    public static IEnumerable<TheoryDataRow<string>> Present => [Row(Processor), .. Gpus()];

    /// <summary>A row for whatever runs the CUDA kernels: the processor, and each GPU that has them.</summary>
    public static IEnumerable<TheoryDataRow<string>> WithKernels => [Row(Kernels), .. Gpus()];

    /// <summary>A row for each pair of a case and a device beside the processor.</summary>
    /// <param name="cases">Rows of golden cases.</param>
    public static IEnumerable<TheoryDataRow<string, string>> Others(IEnumerable<TheoryDataRow<string>> cases) =>
        from device in WithKernels
        from row in cases
        select new TheoryDataRow<string, string>(device.Data, row.Data) { TestDisplayName = On(device.Data, row.TestDisplayName!), Skip = row.Skip ?? device.Skip };

    /// <summary>Makes a device the current one of this thread until the scope is disposed; skips the running test where it is not there.</summary>
    public static IDisposable Use(string name)
    {
        if (name == Kernels)
        {
            Assert.SkipWhen(EmulatedLauncher.Missing is not null, EmulatedLauncher.Missing ?? "");
            return CudaKernels.StandIn(EmulatedLauncher.Kernels);
        }
        current = ComputeDevice.Find(name);
        return new Scope();
    }

    /// <summary>The kernels of the current device.</summary>
    internal static CudaKernels CurrentKernels()
    {
        using var probe = torch.zeros(1, device: Current);
        var kernels = CudaKernels.For(probe);
        Assert.SkipWhen(kernels is null, Current.type == DeviceType.CUDA ? CudaKernelStatus.Of(Current.index).Text : "no kernels on the processor");
        return kernels!;
    }

    // golden:KIND:CASE to golden:KIND on DEVICE:CASE, so that eng/goldens.sh counts it as a kind of its own.
    private static string On(string device, string name)
    {
        var parts = name.Split(':', 3);
        return $"{parts[0]}:{parts[1]} on {device.Replace(':', ' ')}:{parts[2]}";
    }

    private static IEnumerable<TheoryDataRow<string>> Gpus() => Enumerable.Range(0, ComputeDevice.CudaCount).Select(i => Row($"cuda:{i}"));

    private static TheoryDataRow<string> Row(string device) => new(device);

    private sealed class Scope : IDisposable
    {
        public void Dispose() => current = null;
    }
}
