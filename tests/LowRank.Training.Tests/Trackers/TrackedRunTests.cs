using System.Text.Json.Nodes;
using LowRank.Testing;
using LowRank.Training.Checkpoints;
using LowRank.Training.Data;
using LowRank.Training.Events;
using LowRank.Training.Settings;
using LowRank.Training.Trackers;
using LowRank.Training.Trackers.Wandb;

namespace LowRank.Training.Tests.Trackers;

/// <summary>Whole runs on a tiny model with trackers.</summary>
public sealed class TrackedRunTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private TrainSettings Settings(TrackerSettings trackers, string output = "out") => new()
    {
        Model = new ModelSettings { Model = TinyModel.Create(folder.At("model")), Threads = 1 },
        Adapter = new AdapterSettings { Rank = 2 },
        Data = new DataSettings { Data = TinyModel.CreateData(folder.At("data.jsonl")), Validation = "6" },
        Optimization = new OptimizationSettings { MaxSteps = 4, Batch = 4, LearningRate = 1e-3 },
        Evaluation = new EvaluationSettings { EvalEvery = 2, Samples = 0 },
        Output = new OutputSettings { Output = folder.At(output), SaveEvery = 2 },
        Trackers = trackers,
    };

    private static async Task<List<TrainingEvent>> Run(TrainingRun run, int? stopAfter = null)
    {
        using (run)
        {
            using var stop = new CancellationTokenSource();
            var events = new List<TrainingEvent>();
            await foreach (var e in run.TrainAsync(stop.Token))
            {
                events.Add(e);
                if (e is StepCompleted && e.Step == stopAfter) await stop.CancelAsync();
            }
            return events;
        }
    }

    [Fact]
    public async Task All_trackers_tell_of_the_same_run_and_change_nothing_in_it()
    {
        using var server = new StandInMlflow();
        await Run(TrainingRun.Create(Settings(new TrackerSettings(), "plain")));
        var events = await Run(TrainingRun.Create(Settings(new TrackerSettings { Tracker = "tensorboard,wandb,mlflow,otel", RunName = "tiny", Tags = "a,b=c", MlflowUri = server.Address })));
        Assert.DoesNotContain(events.OfType<RunWarning>(), w => w.Message.StartsWith("tracker", StringComparison.Ordinal));
        Assert.IsType<RunCompleted>(events[^1]);
        Assert.Equal(File.ReadAllBytes(folder.At("plain/adapter_model.safetensors")), File.ReadAllBytes(folder.At("out/adapter_model.safetensors")));
        var written = Directory.GetFileSystemEntries(folder.At("out")).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal);
        Assert.Equal(["adapter_config.json", "adapter_model.safetensors", "checkpoint-000002", "checkpoint-000004", "lowrank.json", "metrics.jsonl", "mlflow", "report", "report.html", "report.md", "run.json", "tensorboard", "wandb"], written);

        var losses = events.OfType<StepCompleted>().Select(s => s.Loss).ToArray();
        var board = EventFileReader.Read(Assert.Single(Directory.GetFiles(folder.At("out/tensorboard")))).Where(e => e.Summary?.Value[0].Tag == "train/loss");
        Assert.Equal(losses.Select(l => (float)l), board.Select(e => e.Summary.Value[0].Tensor.FloatVal[0]));
        var offline = OfflineRun.Read(Assert.Single(WandbFolder.LogsAt(folder.At("out"))));
        Assert.Equal(losses, offline.History(0).Select(h => LooseJson.Parse(h)["train/loss"]!.GetValue<double>()));
        Assert.Equal("tiny", offline.Run.DisplayName);
        Assert.Equal(4, server.Metrics.Count(m => m.StartsWith("train/loss@", StringComparison.Ordinal)));

        // What the run depends on is in its record and in each tracker.
        var record = RunRecord.Load(folder.At("out"));
        Assert.Equal(DataFingerprint.Of(Dataset.Load(folder.At("data.jsonl"))), record.DataFingerprint);
        Assert.Equal(events.OfType<RunStarted>().Single().PredictedPeakBytes, record.PredictedPeakBytes);
        Assert.Equal(["dotnet", "libtorch", "torchsharp"], record.Libraries!.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(offline.Run.RunId, record.Id);
        var config = JsonNode.Parse(offline.Config.ToJson())!;
        foreach (var (key, value) in new Dictionary<string, string?> { ["data_fingerprint"] = record.DataFingerprint, ["base_weights"] = record.BaseWeights, ["lowrank_version"] = record.Version, ["libtorch_version"] = record.Libraries["libtorch"], ["rank"] = "2" })
        {
            Assert.Equal(value, config[key]!["value"]!.ToString());
            Assert.Equal(value, server.Parameters[key]);
        }
        Assert.True(config["predicted_peak_mib"]!["value"]!.GetValue<double>() > 0);
    }

    [Fact]
    public async Task A_stopped_and_resumed_run_is_one_run_everywhere()
    {
        using var server = new StandInMlflow();
        await Run(TrainingRun.Create(Settings(new TrackerSettings { Tracker = "tensorboard,wandb,mlflow", MlflowUri = server.Address })), stopAfter: 3);
        await Run(TrainingRun.Resume(folder.At("out")));
        var steps = OfflineRun.Read(Assert.Single(WandbFolder.LogsAt(folder.At("out")))).History(0).Select(h => LooseJson.Parse(h)["_step"]!.GetValue<int>()).ToArray();
        Assert.Equal([1, 2, 3, 4], steps);
        Assert.Single(server.Runs);
        Assert.Equal("FINISHED", server.States[^1]);
        Assert.Equal(["1", "2", "3", "4"], server.Metrics.Where(m => m.StartsWith("train/loss@", StringComparison.Ordinal)).Select(m => m.Split('@', '=')[1]));
        Assert.Equal(2, Directory.GetFiles(folder.At("out/tensorboard")).Length);
    }

    [Fact]
    public async Task A_server_that_breaks_is_a_warning_in_the_stream_and_in_the_metrics()
    {
        using var server = new StandInMlflow { IsBroken = true };
        var events = await Run(TrainingRun.Create(Settings(new TrackerSettings { Tracker = "mlflow", MlflowUri = server.Address })));
        var warning = Assert.Single(events.OfType<RunWarning>(), w => w.Message.StartsWith("tracker mlflow:", StringComparison.Ordinal));
        Assert.Contains("answered 500", warning.Message, StringComparison.Ordinal);
        Assert.IsType<RunCompleted>(events[^1]);
        Assert.Single(File.ReadLines(folder.At("out/metrics.jsonl")), l => l.Contains("tracker mlflow:", StringComparison.Ordinal));
        server.IsBroken = false;
        Assert.True(Assert.Single(await RunSync.SendAsync(folder.At("out"), _ => null, _ => { }, CancellationToken.None)).IsWhole);
        Assert.Equal(["FINISHED"], server.States);
    }

    [Fact]
    public void What_cannot_work_is_told_before_anything_is_loaded()
    {
        var missing = new TrainSettings { Model = new ModelSettings { Model = folder.At("none") }, Data = new DataSettings { Data = folder.At("none") }, Output = new OutputSettings { Output = folder.At("out") } };
        Assert.Equal("--tracker: there is no tracker \"tensorbord\"; did you mean tensorboard?", Assert.Throws<SettingsException>(() => TrainingRun.Create(missing with { Trackers = new TrackerSettings { Tracker = "wandb,tensorbord" } })).Message);
        Assert.Contains("is not the address of a server", Assert.Throws<SettingsException>(() => TrainingRun.Create(missing with { Trackers = new TrackerSettings { Tracker = "mlflow", MlflowUri = "here" } })).Message, StringComparison.Ordinal);
        Assert.Empty(new TrackerSettings { Tracker = "none" }.Names());
        Assert.Equal(["wandb", "otel"], new TrackerSettings { Tracker = "wandb, otel,wandb" }.Names());
    }

    // A record that an older version wrote has no trackers and no id.
    [Fact]
    public async Task A_run_of_an_older_version_is_resumed()
    {
        await Run(TrainingRun.Create(Settings(new TrackerSettings())), stopAfter: 2);
        var path = folder.At("out/run.json");
        var json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        foreach (var added in (string[])["id", "data_fingerprint", "commit", "repository", "predicted_peak_bytes", "libraries"]) json.Remove(added);
        Assert.True(json["settings"]!.AsObject().Remove("trackers"));
        File.WriteAllText(path, json.ToJsonString());
        Assert.IsType<RunCompleted>((await Run(TrainingRun.Resume(folder.At("out"))))[^1]);
    }
}
