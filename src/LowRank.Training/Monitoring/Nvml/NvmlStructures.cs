using System.Runtime.InteropServices;

namespace LowRank.Training.Monitoring.Nvml;

/// <summary><c>nvmlMemory_t</c>: bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NvmlMemory
{
    public ulong Total, Free, Used;
}

/// <summary><c>nvmlMemory_v2_t</c>: bytes. What the driver keeps for itself is apart, where the first version counts it as used.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NvmlMemory2
{
    public uint Version;
    public ulong Total, Reserved, Free, Used;

    /// <summary><c>nvmlMemory_v2</c>: the size of the structure, and its version in the highest byte.</summary>
    public static unsafe uint CurrentVersion => (uint)sizeof(NvmlMemory2) | 2u << 24;
}

/// <summary><c>nvmlUtilization_t</c>: percent of the last sampling period.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NvmlUtilisation
{
    public uint Gpu, Memory;
}

/// <summary><c>nvmlPciInfo_t</c> of version 3.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NvmlPci
{
    public fixed byte LegacyBusId[16];
    public uint Domain, Bus, Device, DeviceId, SubsystemId;
    public fixed byte BusId[32];
}

/// <summary><c>nvmlProcessInfo_v1_t</c>, of drivers before 450.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NvmlProcess1
{
    public uint Id;
    public ulong UsedBytes;
}

/// <summary><c>nvmlProcessInfo_t</c>, with the instance of a partitioned GPU.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NvmlProcess
{
    public uint Id;
    public ulong UsedBytes;
    public uint GpuInstance, ComputeInstance;
}
