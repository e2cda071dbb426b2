using System.Text.Json;
using LowRank.Training.Checkpoints;
using LowRank.Training.Events;

namespace LowRank.Training.Runs;

/// <summary>Reads what <see cref="MetricsFile"/> wrote. Lines that a killed process left half-written are passed over, as a resumed run drops them, and so are events that are not known.</summary>
internal sealed class MetricsReader
{
    private const int EndBytes = 32 << 10;

    private readonly List<StepPoint> steps = [];
    private readonly List<HeldOutPoint> heldOut = [];
    private readonly List<MachinePoint> machine = [];
    private readonly List<(string? Id, string Message)> warnings = [];
    private readonly List<RunEnding> endings = [];
    private IReadOnlyList<SampledAnswer> first = [];
    private JsonElement? start;
    private bool hasEnded;

    /// <summary>Reads a file.</summary>
    public void Read(string path)
    {
        // The run may be writing to it.
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var text = new StreamReader(file);
        while (text.ReadLine() is { } line) Add(line);
    }

    /// <summary>Reads the first line, which says how long the run is, and the last lines, those within 32 KiB of the end.</summary>
    public void ReadEnds(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var text = new StreamReader(file);
        if (text.ReadLine() is { } first) Add(first);
        if (file.Length > EndBytes)
        {
            file.Position = file.Length - EndBytes;
            text.DiscardBufferedData();
            // Most of it is cut off.
            _ = text.ReadLine();
        }
        while (text.ReadLine() is { } line) Add(line);
    }

    /// <summary>Reads a line.</summary>
    public void Add(string line)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            Add(json.RootElement);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            // Half a line.
        }
    }

    private void Add(JsonElement e)
    {
        var step = e.GetProperty("step").GetInt64();
        var kind = e.GetProperty("event").GetString();
        hasEnded = kind == "end" || hasEnded && kind == "warning";
        switch (kind)
        {
            case "start": start = e.Clone(); break;
            case "step":
                steps.Add(new StepPoint(step, Number(e, "loss") ?? double.NaN, Number(e, "learning_rate") ?? double.NaN, (long)(Number(e, "tokens") ?? 0), (long)(Number(e, "supervised_tokens") ?? 0),
                    Number(e, "tokens_per_second") ?? 0, Number(e, "rss_mib") ?? double.NaN, Number(e, "peak_rss_mib") ?? double.NaN, Number(e, "seconds_left"))
                { Pairs = (long?)Number(e, "pairs") });
                break;
            case "evaluation": heldOut.Add(new HeldOutPoint(step, Number(e, "loss") ?? double.NaN, e.TryGetProperty("best", out var best) && best.GetBoolean(), Samples(e))); break;
            case "answers": first = Samples(e); break;
            case "machine": machine.Add(new MachinePoint(step, Number(e, "seconds") ?? 0, Number(e, "cpu_percent"), Gpus(e))); break;
            case "warning":
                var warning = (Text(e, "id"), Text(e, "message") ?? "");
                if (!warnings.Contains(warning)) warnings.Add(warning);
                break;
            case "end":
                endings.Add(new RunEnding(step, Enum.Parse<RunEnd>(Text(e, "end") ?? "", ignoreCase: true), Number(e, "train_loss") ?? double.NaN, Number(e, "seconds") ?? 0,
                    Number(e, "tokens_per_second") ?? 0, Number(e, "measured_peak_mib") ?? 0, Number(e, "predicted_peak_mib")));
                break;
        }
    }

    /// <summary>All that was read.</summary>
    public RunHistory ToHistory(string folder, RunRecord record) => new()
    {
        Folder = folder,
        Record = record,
        State = !hasEnded ? RunState.BrokenOff : endings[^1].End switch { RunEnd.Finished => RunState.Finished, RunEnd.StoppedEarly => RunState.StoppedEarly, _ => RunState.Stopped },
        TotalSteps = Count("total_steps"),
        TrainableParameters = Count("trainable_parameters"),
        AllParameters = Count("all_parameters"),
        Examples = Count("examples"),
        ValidationExamples = Count("validation_examples"),
        Choices = start is { } e && e.TryGetProperty("choices", out var choices) ? [.. choices.EnumerateArray().Select(c => c.GetString() ?? "")] : [],
        Steps = steps,
        HeldOut = heldOut,
        First = first,
        Machine = machine,
        Warnings = warnings,
        Endings = endings,
    };

    private long Count(string key) => start is { } e ? (long)(Number(e, key) ?? 0) : 0;

    private static double? Number(JsonElement e, string key) => e.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;

    private static string? Text(JsonElement e, string key) => e.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static SampledAnswer[] Samples(JsonElement e) => e.TryGetProperty("samples", out var samples)
        ? [.. samples.EnumerateArray().Select(s => new SampledAnswer(Text(s, "prompt") ?? "", Text(s, "answer") ?? ""))] : [];

    private static GpuPoint[] Gpus(JsonElement e) => e.TryGetProperty("gpus", out var gpus)
        ? [.. gpus.EnumerateArray().Select(g => new GpuPoint((int)(Number(g, "index") ?? 0), Text(g, "name"), g.TryGetProperty("own", out var own) && own.GetBoolean(), Number(g, "memory_used_mib"),
            Number(g, "memory_total_mib"), Number(g, "utilisation_percent"), Number(g, "temperature_c"), Number(g, "power_w")))] : [];
}
