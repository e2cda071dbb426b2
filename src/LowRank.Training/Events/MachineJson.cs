using System.Text.Json;
using LowRank.Training.Monitoring;

namespace LowRank.Training.Events;

/// <summary>A <see cref="MachineSampled"/> as members of a line of <c>metrics.jsonl</c>. What is not known is left out.</summary>
internal static class MachineJson
{
    /// <summary>Writes the members.</summary>
    public static void Write(Utf8JsonWriter json, MachineSampled sample)
    {
        json.WriteNumber("seconds", Math.Round(sample.Elapsed.TotalSeconds, 1));
        Number(json, "cpu_percent", sample.ProcessorPercent);
        Number(json, "machine_cpu_percent", sample.MachineProcessorPercent);
        Mebibytes(json, "rss_mib", sample.ResidentBytes);
        Mebibytes(json, "memory_in_use_mib", sample.MemoryInUseBytes);
        Mebibytes(json, "memory_limit_mib", sample.MemoryLimitBytes);
        if (sample.Gpus.Count == 0) return;
        json.WriteStartArray("gpus");
        foreach (var gpu in sample.Gpus) Write(json, gpu);
        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, GpuSample gpu)
    {
        json.WriteStartObject();
        json.WriteNumber("index", gpu.Index);
        if (gpu.Name is { } name) json.WriteString("name", name);
        json.WriteBoolean("own", gpu.IsOwn);
        Mebibytes(json, "memory_used_mib", gpu.MemoryUsedBytes);
        Mebibytes(json, "memory_total_mib", gpu.MemoryTotalBytes);
        Number(json, "utilisation_percent", gpu.UtilisationPercent);
        Number(json, "temperature_c", gpu.TemperatureCelsius);
        Number(json, "power_w", gpu.PowerWatts);
        Number(json, "power_limit_w", gpu.PowerLimitWatts);
        Number(json, "fan_percent", gpu.FanPercent);
        json.WriteEndObject();
    }

    private static void Number(Utf8JsonWriter json, string key, double? value)
    {
        if (value is { } known && double.IsFinite(known)) json.WriteNumber(key, Math.Round(known, 1));
    }

    private static void Mebibytes(Utf8JsonWriter json, string key, long? bytes)
    {
        if (bytes is { } known) json.WriteNumber(key, Math.Round(known / 1048576.0, 1));
    }
}
