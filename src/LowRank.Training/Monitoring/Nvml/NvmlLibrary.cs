using System.Runtime.InteropServices;

namespace LowRank.Training.Monitoring.Nvml;

/// <summary>
/// The driver's library of management functions (NVML), which <c>nvidia-smi</c> is made of. It belongs to the driver, and a machine without one has none. Functions that an older
/// driver lacks are null pointers. NVML may be called from any thread.
/// </summary>
internal sealed unsafe class NvmlLibrary : IDisposable
{
    /// <summary>A library that is loaded instead of the driver's.</summary>
    public const string Variable = "LOWRANK_NVML";

    private readonly nint library;
    private readonly delegate* unmanaged<NvmlResult> shutdown;

    private NvmlLibrary(nint library)
    {
        this.library = library;
        shutdown = (delegate* unmanaged<NvmlResult>)Find("nvmlShutdown");
        Count = (delegate* unmanaged<uint*, NvmlResult>)Find("nvmlDeviceGetCount_v2", "nvmlDeviceGetCount");
        Handle = (delegate* unmanaged<uint, nint*, NvmlResult>)Find("nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex");
        Name = (delegate* unmanaged<nint, byte*, uint, NvmlResult>)Find("nvmlDeviceGetName");
        Pci = (delegate* unmanaged<nint, NvmlPci*, NvmlResult>)Find("nvmlDeviceGetPciInfo_v3");
        Memory2 = (delegate* unmanaged<nint, NvmlMemory2*, NvmlResult>)Find("nvmlDeviceGetMemoryInfo_v2");
        Memory = (delegate* unmanaged<nint, NvmlMemory*, NvmlResult>)Find("nvmlDeviceGetMemoryInfo");
        Utilisation = (delegate* unmanaged<nint, NvmlUtilisation*, NvmlResult>)Find("nvmlDeviceGetUtilizationRates");
        Temperature = (delegate* unmanaged<nint, int, uint*, NvmlResult>)Find("nvmlDeviceGetTemperature");
        Power = (delegate* unmanaged<nint, uint*, NvmlResult>)Find("nvmlDeviceGetPowerUsage");
        PowerLimit = (delegate* unmanaged<nint, uint*, NvmlResult>)Find("nvmlDeviceGetEnforcedPowerLimit");
        Fan = (delegate* unmanaged<nint, uint*, NvmlResult>)Find("nvmlDeviceGetFanSpeed");
        // The second and the third version share a structure.
        Processes = (delegate* unmanaged<nint, uint*, NvmlProcess*, NvmlResult>)Find("nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2");
        Processes1 = (delegate* unmanaged<nint, uint*, NvmlProcess1*, NvmlResult>)Find("nvmlDeviceGetComputeRunningProcesses");
    }

    public delegate* unmanaged<uint*, NvmlResult> Count { get; }

    public delegate* unmanaged<uint, nint*, NvmlResult> Handle { get; }

    public delegate* unmanaged<nint, byte*, uint, NvmlResult> Name { get; }

    public delegate* unmanaged<nint, NvmlPci*, NvmlResult> Pci { get; }

    public delegate* unmanaged<nint, NvmlMemory2*, NvmlResult> Memory2 { get; }

    public delegate* unmanaged<nint, NvmlMemory*, NvmlResult> Memory { get; }

    public delegate* unmanaged<nint, NvmlUtilisation*, NvmlResult> Utilisation { get; }

    public delegate* unmanaged<nint, int, uint*, NvmlResult> Temperature { get; }

    public delegate* unmanaged<nint, uint*, NvmlResult> Power { get; }

    public delegate* unmanaged<nint, uint*, NvmlResult> PowerLimit { get; }

    public delegate* unmanaged<nint, uint*, NvmlResult> Fan { get; }

    public delegate* unmanaged<nint, uint*, NvmlProcess*, NvmlResult> Processes { get; }

    public delegate* unmanaged<nint, uint*, NvmlProcess1*, NvmlResult> Processes1 { get; }

    /// <summary>Loads and initializes the library.</summary>
    /// <param name="path">A library to load instead of the driver's, or null.</param>
    /// <param name="problem">Why there is none, or null.</param>
    public static NvmlLibrary? TryOpen(string? path, out string? problem)
    {
        problem = null;
        string[] names = path is not null ? [path] : [.. StandardNames()];
        foreach (var name in names)
        {
            if (!NativeLibrary.TryLoad(name, out var loaded)) continue;
            var init = (delegate* unmanaged<NvmlResult>)(NativeLibrary.TryGetExport(loaded, "nvmlInit_v2", out var address) ? address : NativeLibrary.TryGetExport(loaded, "nvmlInit", out address) ? address : 0);
            var result = init == null ? NvmlResult.FunctionNotFound : init();
            if (result == NvmlResult.Success) return new NvmlLibrary(loaded);
            NativeLibrary.Free(loaded);
            problem = result == NvmlResult.DriverNotLoaded ? "the NVIDIA driver is not loaded" : $"{name} does not start (NVML error {(int)result})";
            return null;
        }
        problem = path is not null ? $"{path}, which {Variable} names, does not load" : "no NVIDIA driver";
        return null;
    }

    /// <summary>The library of <c>LOWRANK_NVML</c>, or null.</summary>
    public static string? Named() => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named ? named : null;

    private static IEnumerable<string> StandardNames()
    {
        if (!OperatingSystem.IsWindows()) return ["libnvidia-ml.so.1", "libnvidia-ml.so"];
        // Drivers before 2019 put it beside nvidia-smi.
        return ["nvml.dll", Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ProgramFiles), "NVIDIA Corporation", "NVSMI", "nvml.dll")];
    }

    private nint Find(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            if (NativeLibrary.TryGetExport(library, name, out var address)) return address;
        return 0;
    }

    /// <summary>Ends the session. The library stays in the process: a call on another thread may still be in it.</summary>
    public void Dispose()
    {
        if (shutdown != null) _ = shutdown();
    }
}
