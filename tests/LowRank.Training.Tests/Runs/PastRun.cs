using System.Text.Json;
using LowRank.Training.Checkpoints;
using LowRank.Training.Events;
using LowRank.Training.Monitoring;
using LowRank.Training.Settings;

namespace LowRank.Training.Tests.Runs;

/// <summary>Folders as runs leave them, without the runs.</summary>
internal static class PastRun
{
    public const long MiB = 1 << 20;

    /// <summary>Writes a folder with a record and these events, and returns it.</summary>
    public static string Write(string folder, TrainSettings settings, params IEnumerable<TrainingEvent> events)
    {
        Directory.CreateDirectory(folder);
        var record = new RunRecord
        {
            Version = "1.2.3", Settings = settings with { Output = settings.Output with { Output = folder } }, BaseWeights = "xxh:1", Started = new DateTimeOffset(2026, 5, 4, 3, 2, 1, TimeSpan.Zero),
            PlannedMemory = new Dictionary<string, long> { ["runtime"] = 260 * MiB, ["base"] = 540 * MiB },
        };
        File.WriteAllBytes(Path.Combine(folder, RunRecord.FileName), JsonSerializer.SerializeToUtf8Bytes(record, TrainingJson.Default.RunRecord));
        var metrics = MetricsFile.Open(Path.Combine(folder, MetricsFile.FileName), 0);
        foreach (var e in events) metrics.Write(e);
        return folder;
    }

    public static RunStarted Start(long steps) => new()
    {
        TrainableParameters = 4_884_480, AllParameters = 139_399_488, TotalSteps = steps, Epochs = 2, Examples = 1200, ValidationExamples = 24, PredictedPeakBytes = 800 * MiB, Choices = ["alpha 16: the rank, so that the scaling is 1"],
    };

    /// <summary>Steps whose loss falls from 3; each takes a tenth of a second.</summary>
    public static IEnumerable<StepCompleted> Steps(long first, long last, long all) => Enumerable.Range((int)first, (int)(last - first + 1)).Select(i => new StepCompleted
    {
        Step = i, Loss = 1 + 2 * Math.Exp(-i / 30.0) + 0.1 * Math.Sin(7 * i), LearningRate = 2e-4 * (1 - (double)i / all), GradientNorm = 1, Epoch = 2.0 * i / all, Tokens = 100, SupervisedTokens = 40,
        TokensPerSecond = 1000, ResidentBytes = (600 + i % 7) * MiB, PeakBytes = 700 * MiB, TimeLeft = i < 3 ? null : TimeSpan.FromSeconds(0.1 * (all - i)),
    });

    public static EvaluationCompleted HeldOut(long step, double loss, bool best, params (string, string)[] samples) => new() { Step = step, Loss = loss, IsBest = best, Samples = samples };

    public static MachineSampled Machine(long step, double percent) => new()
    {
        Step = step, Elapsed = TimeSpan.FromSeconds(0.1 * step), ProcessorPercent = percent, ResidentBytes = 600 * MiB,
        Gpus = [new GpuSample { Index = 0, Name = "NVIDIA H200", IsOwn = true, MemoryUsedBytes = (9000 + 10 * step) * MiB, MemoryTotalBytes = 143_771 * MiB, UtilisationPercent = (int)percent, PowerWatts = 612.345 }],
    };

    public static RunCompleted End(long step, RunEnd end) => new()
    {
        Step = step, End = end, Folder = "out", TrainLoss = 1.25, BestValidationLoss = 1.5, Elapsed = TimeSpan.FromSeconds(0.1 * step), TokensPerSecond = 1200, PeakBytes = 880 * MiB, PredictedPeakBytes = 800 * MiB,
    };
}
