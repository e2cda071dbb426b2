using System.Globalization;
using LowRank.Cli.Terminal;
using LowRank.Training.Monitoring;
using LowRank.Training.Monitoring.Jobs;

namespace LowRank.Cli.Monitoring;

/// <summary>A snapshot as lines: a table of jobs, one of GPUs with the columns of <c>nvidia-smi</c>. What is not known is a dash.</summary>
internal static class TopText
{
    private const string Unknown = "–";

    /// <summary>The lines.</summary>
    /// <param name="snapshot">What is shown.</param>
    /// <param name="width">Columns of the terminal; null where nothing limits a line.</param>
    public static IEnumerable<string> Lines(TopSnapshot snapshot, int? width)
    {
        yield return Text($"memory {Quantity.Bytes(snapshot.MemoryBytes - snapshot.MemoryLeftBytes)} of {Quantity.Bytes(snapshot.MemoryBytes)} in use{(snapshot.ProcessorPercent is { } used ? Text($", processors {used:0} %") : "")}");
        yield return "";
        if (snapshot.Jobs.Count == 0) yield return "no training of this user is running here";
        else
            foreach (var line in Jobs(snapshot.Jobs).Lines(width)) yield return line;
        yield return "";
        if (snapshot.Gpus.Count == 0) yield return $"no GPUs{(snapshot.NoGpus is { } why ? $": {why}" : "")}";
        else
            foreach (var line in Gpus(snapshot.Gpus).Lines(width)) yield return line;
    }

    private static TextColumns Jobs(IReadOnlyList<JobStatus> jobs)
    {
        var table = new TextColumns(["run", "pid", "step", "loss", "tokens/s", "memory", "left"], words: 1);
        foreach (var job in jobs)
            table.Add(Path.GetFileName(job.Folder), Text($"{job.Pid}"), job.TotalSteps == 0 ? Unknown : Text($"{job.Step}/{job.TotalSteps}"), job.Loss is { } loss ? Quantity.Loss(loss) : Unknown,
                job.TokensPerSecond is { } speed ? Text($"{speed:N0}") : Unknown, Quantity.Bytes(job.ResidentBytes), job.SecondsLeft is { } left ? Quantity.Time(TimeSpan.FromSeconds(left)) : Unknown);
        return table;
    }

    private static TextColumns Gpus(IReadOnlyList<GpuSample> gpus)
    {
        var table = new TextColumns(["GPU", "fan", "temp", "power", "memory", "use", "processes"], words: 1);
        foreach (var gpu in gpus)
            table.Add(Text($"{gpu.Index} {gpu.Name ?? "unknown"}"), gpu.FanPercent is { } fan ? Text($"{fan} %") : Unknown, gpu.TemperatureCelsius is { } degrees ? Text($"{degrees} °C") : Unknown,
                gpu.PowerWatts is { } power ? Text($"{power:0}{(gpu.PowerLimitWatts is { } most ? Text($"/{most:0}") : "")} W") : Unknown,
                gpu is { MemoryUsedBytes: { } used, MemoryTotalBytes: { } all } ? Text($"{used >> 20:N0}/{all >> 20:N0} MiB") : Unknown,
                gpu.UtilisationPercent is { } busy ? Text($"{busy} %") : Unknown, gpu.Processes is { } processes ? Text($"{processes.Count}") : Unknown);
        return table;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
