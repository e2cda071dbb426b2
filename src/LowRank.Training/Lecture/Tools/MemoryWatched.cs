using LowRank.Runtime.Memory;
using LowRank.Training.Lecture.Laboratory;
using LowRank.Training.Monitoring.Nvml;

namespace LowRank.Training.Lecture.Tools;

/// <summary>nvidia-smi shows how much GPU memory is in use: what NVML, the library behind it, tells here, and what this process holds of the machine's memory.</summary>
internal sealed class MemoryWatched : IClaimCheck
{
    public string Id => "nvidia-smi";

    public Figures Measure(LectureLaboratory laboratory)
    {
        using var nvml = NvmlDevices.TryOpen(out _);
        var gpus = nvml?.Read() ?? [];
        var (process, machine) = (ProcessMemory.Read(), MachineMemory.Read());
        return new Figures
        {
            ["gpus"] = gpus.Count,
            ["gpu_used_gb"] = gpus.Sum(g => g.MemoryUsedBytes ?? 0) / 1e9,
            ["gpu_total_gb"] = gpus.Sum(g => g.MemoryTotalBytes ?? 0) / 1e9,
            ["resident_gb"] = process.ResidentBytes / 1e9,
            ["machine_gb"] = machine.TotalBytes / 1e9,
        };
    }

    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["gpu_used_gb"] <= figures["gpu_total_gb"] && figures["resident_gb"] > 0 && figures["resident_gb"] <= figures["machine_gb"],
        exactly: figures["gpus"] > 0 && figures["gpu_total_gb"] > 0);
}
