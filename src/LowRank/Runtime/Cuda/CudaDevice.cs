using System.Globalization;

namespace LowRank.Runtime.Cuda;

/// <summary>What is told about a GPU. Devices have libtorch's numbers.</summary>
internal static class CudaDevice
{
    /// <summary>Name, compute capability and memory, such as <c>NVIDIA L4, compute capability 8.9, 23.6 GB</c>.</summary>
    /// <exception cref="CudaException">The driver does not answer.</exception>
    public static string Describe(int index)
    {
        var (major, minor) = CudaDriver.Instance.Capability(index);
        return string.Create(CultureInfo.InvariantCulture, $"{CudaDriver.Instance.Name(index)}, compute capability {major}.{minor}, {Memory(index).Total / 1e9:0.0} GB");
    }

    /// <summary>Its address on the PCI bus, by which NVML knows it too.</summary>
    /// <exception cref="CudaException">The driver does not answer.</exception>
    public static string BusId(int index) => CudaDriver.Instance.BusId(index);

    /// <summary>Free and all bytes of its memory.</summary>
    /// <exception cref="CudaException">The driver does not answer.</exception>
    public static (long Free, long Total) Memory(int index)
    {
        var driver = CudaDriver.Instance;
        using var current = driver.Enter(driver.PrimaryContext(index));
        return driver.Memory();
    }
}
