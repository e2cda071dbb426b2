using System.Text.Json;
using LowRank.Testing;
using LowRank.Training.Events;
using LowRank.Training.Settings;

namespace LowRank.Training.Tests.Monitoring;

/// <summary>A whole run with samples of its machine.</summary>
public sealed class MonitoredRunTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private TrainSettings Settings(string output, double every) => new()
    {
        Model = new ModelSettings { Model = TinyModel.Create(folder.At("model")), Threads = 1 },
        Adapter = new AdapterSettings { Rank = 4, Dropout = 0.1 },
        Data = new DataSettings { Data = TinyModel.CreateData(folder.At("data.jsonl")) },
        Optimization = new OptimizationSettings { MaxSteps = 40, Batch = 4, LearningRate = 1e-2 },
        Output = new OutputSettings { Output = folder.At(output), Report = false, MonitorEvery = every },
    };

    private static async Task<List<TrainingEvent>> Run(TrainSettings settings)
    {
        using var run = TrainingRun.Create(settings);
        var events = new List<TrainingEvent>();
        await foreach (var e in run.TrainAsync(TestContext.Current.CancellationToken)) events.Add(e);
        return events;
    }

    [Fact]
    public async Task Samples_stand_in_the_metrics_and_change_nothing()
    {
        var watched = await Run(Settings("watched", 0.05));
        var samples = watched.OfType<MachineSampled>().ToList();
        Assert.True(samples.Count > 1, $"{samples.Count} samples");
        Assert.IsType<RunCompleted>(watched[^1]);
        var lines = File.ReadLines(folder.At("watched/metrics.jsonl")).Select(l => JsonDocument.Parse(l).RootElement).Where(l => l.GetProperty("event").GetString() == "machine").ToList();
        Assert.Equal(samples.Count, lines.Count);
        Assert.All(lines, l => Assert.True(l.GetProperty("rss_mib").GetDouble() > 10 && l.GetProperty("seconds").GetDouble() >= 0));
        Assert.Contains(lines, l => l.TryGetProperty("cpu_percent", out var used) && used.GetDouble() > 0);

        var unwatched = await Run(Settings("unwatched", 0));
        Assert.Empty(unwatched.OfType<MachineSampled>());
        Assert.Equal(File.ReadAllBytes(folder.At("unwatched/adapter_model.safetensors")), File.ReadAllBytes(folder.At("watched/adapter_model.safetensors")));
    }

    [Fact]
    public async Task A_short_run_has_one_sample_too() => Assert.Single((await Run(Settings("short", 3600))).OfType<MachineSampled>());
}
