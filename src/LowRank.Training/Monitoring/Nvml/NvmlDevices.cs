using System.Buffers;
using System.Runtime.InteropServices;

namespace LowRank.Training.Monitoring.Nvml;

/// <summary>
/// Reads all GPUs of the machine. A value that the driver refuses (not supported, no permission, GPU lost, unknown function) is null: monitoring never ends a run.
/// </summary>
internal sealed unsafe class NvmlDevices : IDisposable
{
    private const int NameBytes = 96, ChipSensor = 0;

    // NVML_VALUE_NOT_AVAILABLE.
    private const ulong NotAvailable = ulong.MaxValue;

    private readonly NvmlLibrary nvml;
    private bool isClosed;

    private NvmlDevices(NvmlLibrary nvml) => this.nvml = nvml;

    /// <summary>Opens NVML: the library of <c>LOWRANK_NVML</c>, else the driver's.</summary>
    /// <param name="problem">Why there is none, or null.</param>
    public static NvmlDevices? TryOpen(out string? problem) => TryOpen(NvmlLibrary.Named(), out problem);

    /// <summary>Opens a library.</summary>
    /// <param name="path">Its path; null for the driver's.</param>
    /// <param name="problem">Why there is none, or null.</param>
    public static NvmlDevices? TryOpen(string? path, out string? problem) => NvmlLibrary.TryOpen(path, out problem) is { } library ? new NvmlDevices(library) : null;

    /// <summary>The GPUs now, in the order of <c>nvidia-smi</c>; none where the driver does not count them.</summary>
    public IReadOnlyList<GpuSample> Read()
    {
        uint count;
        if (isClosed || nvml.Count == null || nvml.Handle == null || nvml.Count(&count) != NvmlResult.Success) return [];
        var samples = new GpuSample[count];
        for (var i = 0; i < samples.Length; i++)
        {
            nint device;
            samples[i] = nvml.Handle((uint)i, &device) == NvmlResult.Success ? Read(i, device) : new GpuSample { Index = i };
        }
        return samples;
    }

    private GpuSample Read(int index, nint device)
    {
        var (used, total) = Memory(device);
        NvmlUtilisation utilisation;
        return new GpuSample
        {
            Index = index,
            Name = Name(device),
            PciBusId = BusId(device),
            MemoryUsedBytes = used,
            MemoryTotalBytes = total,
            UtilisationPercent = nvml.Utilisation != null && nvml.Utilisation(device, &utilisation) == NvmlResult.Success ? (int)utilisation.Gpu : null,
            TemperatureCelsius = Temperature(device),
            PowerWatts = Number(nvml.Power, device) / 1000.0,
            PowerLimitWatts = Number(nvml.PowerLimit, device) / 1000.0,
            FanPercent = (int?)Number(nvml.Fan, device),
            Processes = Processes(device),
        };
    }

    private string? Name(nint device)
    {
        var text = stackalloc byte[NameBytes];
        return nvml.Name != null && nvml.Name(device, text, NameBytes) == NvmlResult.Success ? Marshal.PtrToStringUTF8((nint)text) : null;
    }

    private string? BusId(nint device)
    {
        NvmlPci pci;
        return nvml.Pci != null && nvml.Pci(device, &pci) == NvmlResult.Success ? Marshal.PtrToStringUTF8((nint)pci.BusId) : null;
    }

    private (long? Used, long? Total) Memory(nint device)
    {
        var second = new NvmlMemory2 { Version = NvmlMemory2.CurrentVersion };
        if (nvml.Memory2 != null && nvml.Memory2(device, &second) == NvmlResult.Success) return ((long)second.Used, (long)second.Total);
        NvmlMemory first;
        return nvml.Memory != null && nvml.Memory(device, &first) == NvmlResult.Success ? ((long)first.Used, (long)first.Total) : (null, null);
    }

    private int? Temperature(nint device)
    {
        uint degrees;
        return nvml.Temperature != null && nvml.Temperature(device, ChipSensor, &degrees) == NvmlResult.Success ? (int)degrees : null;
    }

    private static uint? Number(delegate* unmanaged<nint, uint*, NvmlResult> read, nint device)
    {
        uint value;
        return read != null && read(device, &value) == NvmlResult.Success ? value : null;
    }

    private IReadOnlyList<GpuProcess>? Processes(nint device)
    {
        if (nvml.Processes != null) return List(nvml.Processes, device, p => Process(p.Id, p.UsedBytes));
        return nvml.Processes1 != null ? List(nvml.Processes1, device, p => Process(p.Id, p.UsedBytes)) : null;
    }

    // Room for some more than there are: others may begin between the two calls.
    private static GpuProcess[]? List<T>(delegate* unmanaged<nint, uint*, T*, NvmlResult> read, nint device, Func<T, GpuProcess> convert) where T : unmanaged
    {
        uint count = 32;
        for (var attempt = 0; attempt < 3; attempt++)
        {
            var room = ArrayPool<T>.Shared.Rent((int)count);
            try
            {
                count = (uint)room.Length;
                NvmlResult result;
                fixed (T* first = room) result = read(device, &count, first);
                if (result == NvmlResult.Success) return [.. room.AsSpan(0, (int)Math.Min(count, (uint)room.Length)).ToArray().Select(convert)];
                if (result != NvmlResult.InsufficientSize) return null;
                count += 32;
            }
            finally
            {
                ArrayPool<T>.Shared.Return(room);
            }
        }
        return null;
    }

    private static GpuProcess Process(uint id, ulong bytes) => new((int)id, bytes == NotAvailable ? null : (long)bytes);

    /// <summary>Ends the session with the driver. What is read afterwards is nothing.</summary>
    public void Dispose()
    {
        if (isClosed) return;
        isClosed = true;
        nvml.Dispose();
    }
}
