using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using LowRank.Formats;
using LowRank.Tests.Formats;
using LowRank.Training.Checkpoints;
using LowRank.Training.Events;
using LowRank.Training.Settings;

namespace LowRank.Training.Tests;

/// <summary>Whole runs on a tiny model: what is written, exact resume, early stopping, full fine-tuning, errors.</summary>
public sealed class TrainingRunTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-run-").FullName;

    private TrainSettings Settings(string output) => new()
    {
        Model = new ModelSettings { Model = TinyModel.Create(Path.Combine(folder, "model")), Threads = 1 },
        Adapter = new AdapterSettings { Rank = 4, Dropout = 0.1 },
        Data = new DataSettings { Data = TinyModel.CreateData(Path.Combine(folder, "data.jsonl")), Validation = "6" },
        Optimization = new OptimizationSettings { MaxSteps = 9, Batch = 4, Accumulate = 2, LearningRate = 1e-2 },
        Evaluation = new EvaluationSettings { EvalEvery = 3 },
        Output = new OutputSettings { Output = Path.Combine(folder, output), SaveEvery = 2 },
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
    public async Task A_run_learns_and_writes_exactly_these_files()
    {
        var events = await Run(TrainingRun.Create(Settings("out")));
        var steps = events.OfType<StepCompleted>().ToArray();
        Assert.Equal(9, steps.Length);
        Assert.True(steps[^1].Loss < steps[0].Loss - 0.5, $"loss {steps[0].Loss} to {steps[^1].Loss}");
        Assert.Equal([3L, 6L, 9L], events.OfType<EvaluationCompleted>().Select(e => e.Step));
        Assert.Equal(RunEnd.Finished, Assert.IsType<RunCompleted>(events[^1]).End);
        var written = Directory.GetFileSystemEntries(Path.Combine(folder, "out")).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal);
        Assert.Equal(["adapter_config.json", "adapter_model.safetensors", "checkpoint-000006", "checkpoint-000008", "lowrank.json", "metrics.jsonl", "report", "report.html", "report.md", "run.json"], written);
        Assert.Equal(events.Count, File.ReadAllLines(Path.Combine(folder, "out", "metrics.jsonl")).Length);
    }

    [Theory]
    [InlineData(2), InlineData(5)]
    public async Task A_stopped_and_resumed_run_equals_the_unbroken_one_byte_for_byte(int stopAfter)
    {
        await Run(TrainingRun.Create(Settings("whole")));
        var first = await Run(TrainingRun.Create(Settings("broken")), stopAfter);
        var stopped = Assert.IsType<RunCompleted>(first[^1]);
        Assert.Equal(RunEnd.Cancelled, stopped.End);
        Assert.True(stopped.Step < 9);
        var second = await Run(TrainingRun.Resume(Path.Combine(folder, "broken")));
        Assert.Equal(stopped.Step + 1, second.OfType<StepCompleted>().First().Step);
        Assert.Equal(File.ReadAllBytes(Path.Combine(folder, "whole", "adapter_model.safetensors")), File.ReadAllBytes(Path.Combine(folder, "broken", "adapter_model.safetensors")));
        Assert.Equal(Losses("whole"), Losses("broken"));
    }

    [Theory]
    [InlineData("lora"), InlineData("qlora"), InlineData("full")]
    public async Task Products_in_bf16_learn_as_those_in_fp32_do(string method)
    {
        var settings = Settings("fp32") with { Adapter = new AdapterSettings { Method = method, Rank = method == "full" ? 16 : 4 } };
        var want = (await Run(TrainingRun.Create(settings))).OfType<StepCompleted>().ToArray();
        // Left open, the dtype of a model of this size is fp32; what was chosen is written down, so that a resumed run takes the same.
        Assert.Equal("fp32", RunRecord.Load(Path.Combine(folder, "fp32")).Settings.Model.Dtype);
        var got = (await Run(TrainingRun.Create(settings with { Model = settings.Model with { Dtype = "bf16" }, Output = settings.Output with { Output = Path.Combine(folder, "bf16") } }))).OfType<StepCompleted>().ToArray();
        Assert.Equal("bf16", RunRecord.Load(Path.Combine(folder, "bf16")).Settings.Model.Dtype);
        // The first loss differs by the roundings of one forward pass: 2⁻⁹ of each product, over logits of a few units; later ones by what nine steps made of it.
        Assert.NotEqual(want[0].Loss, got[0].Loss);
        Assert.InRange(got[0].Loss, want[0].Loss - 0.02, want[0].Loss + 0.02);
        Assert.InRange(got[^1].Loss, want[^1].Loss - 0.1, want[^1].Loss + 0.1);
    }

    [Fact]
    public async Task An_older_checkpoint_gives_the_same_end_too()
    {
        await Run(TrainingRun.Create(Settings("out")));
        var output = Path.Combine(folder, "out");
        var want = File.ReadAllBytes(Path.Combine(output, "adapter_model.safetensors"));
        // As if the process had been killed while it wrote the later one.
        Directory.Delete(TrainingCheckpoint.FolderOf(output, 8), recursive: true);
        Directory.CreateDirectory(Path.Combine(output, ".checkpoint-000008.partial"));
        File.Delete(Path.Combine(output, "adapter_model.safetensors"));
        var events = await Run(TrainingRun.Resume(output));
        Assert.Equal(7, events.OfType<StepCompleted>().First().Step);
        Assert.Equal(want, File.ReadAllBytes(Path.Combine(output, "adapter_model.safetensors")));
    }

    // A process may end while it deletes an old checkpoint, or writes one at a step that the resumed run does not save at.
    [Fact]
    public async Task What_a_killed_process_left_goes_when_its_run_goes_on()
    {
        var settings = Settings("left");
        await Run(TrainingRun.Create(settings with { Optimization = settings.Optimization with { MaxSteps = 3 }, Output = settings.Output with { SaveEvery = 1, KeepCheckpoints = 1 } }));
        var output = Path.Combine(folder, "left");
        foreach (var left in (string[])[".checkpoint-000001.old", ".checkpoint-000002.partial"])
        {
            Directory.CreateDirectory(Path.Combine(output, left));
            File.WriteAllText(Path.Combine(output, left, "trainer_state.json"), "{");
        }
        File.WriteAllText(Path.Combine(output, ".report.html.partial"), "<");
        await Run(TrainingRun.Resume(output));
        Assert.Empty(Directory.GetFileSystemEntries(output, ".*"));
    }

    // Each write, flush, rename and deletion of a whole run is the last one in turn (every seventh here, all of them with LOWRANK_SOAK=1):
    // whatever a killed process leaves, going on gives the bytes of the unbroken run.
    [Fact]
    public async Task Wherever_the_process_ends_the_run_goes_on_to_the_same_bytes()
    {
        TrainSettings Short(string output)
        {
            var settings = Settings(output);
            return settings with { Optimization = settings.Optimization with { MaxSteps = 3, Accumulate = 1 }, Evaluation = new EvaluationSettings { Samples = 0 }, Output = settings.Output with { SaveEvery = 1, KeepCheckpoints = 1, Report = false } };
        }

        await Run(TrainingRun.Create(Short("whole")));
        var want = File.ReadAllBytes(Path.Combine(folder, "whole", "adapter_model.safetensors"));
        var stride = Environment.GetEnvironmentVariable("LOWRANK_SOAK") == "1" ? 1 : 7;
        var (ends, resumed) = (0, 0);
        for (var allowed = 0; ; allowed += stride)
        {
            var output = Path.Combine(folder, $"ended-{allowed}");
            var ended = await EndsAfter(allowed, Short($"ended-{allowed}"));
            if (!ended) break;
            ends++;
            List<TrainingEvent> events;
            try
            {
                events = await Run(TrainingRun.Resume(output));
                resumed++;
            }
            catch (LowRankException error) when (error.Message.Contains("no checkpoint yet") || error.Message.Contains("was not written by a run"))
            {
                if (Directory.Exists(output)) Directory.Delete(output, recursive: true);
                events = await Run(TrainingRun.Create(Short($"ended-{allowed}")));
            }
            Assert.Equal(RunEnd.Finished, Assert.IsType<RunCompleted>(events[^1]).End);
            Assert.Equal(want, File.ReadAllBytes(Path.Combine(output, "adapter_model.safetensors")));
            Assert.Empty(Directory.GetFileSystemEntries(output, ".*", SearchOption.AllDirectories));
            Directory.Delete(output, recursive: true);
        }
        TestContext.Current.SendDiagnosticMessage($"{ends} ends, {resumed} resumed from a checkpoint");
        Assert.True(resumed >= 5 && ends - resumed >= 1, $"{ends} ends, {resumed} resumed");
    }

    private static async Task<bool> EndsAfter(int allowed, TrainSettings settings)
    {
        FileSystemSteps.Current = new EndingSteps(allowed);
        try
        {
            await Run(TrainingRun.Create(settings));
            return false;
        }
        catch (EndingSteps.Ended)
        {
            return true;
        }
        finally
        {
            FileSystemSteps.Current = null;
        }
    }

    [Fact]
    public async Task Full_fine_tuning_writes_a_checkpoint_that_loads()
    {
        var settings = Settings("full");
        var events = await Run(TrainingRun.Create(settings with { Adapter = new AdapterSettings { Method = "full" } }));
        var started = events.OfType<RunStarted>().Single();
        Assert.Equal(started.AllParameters, started.TrainableParameters);
        using var model = await Models.LanguageModel.LoadAsync(Path.Combine(folder, "full"), cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(started.AllParameters, model.ParameterCount);
        var loaded = await Run(TrainingRun.Create(settings with { Model = settings.Model with { Model = Path.Combine(folder, "full") }, Output = settings.Output with { Output = Path.Combine(folder, "next") }, Optimization = settings.Optimization with { MaxSteps = 1 } }));
        // The held-out loss of the saved checkpoint with a fresh adapter after one step of warm-up rate is that of the run's end.
        Assert.Equal(events.OfType<EvaluationCompleted>().Last().Loss, loaded.OfType<EvaluationCompleted>().Single().Loss, 0.2);
    }

    // In the base's bf16 small changes would be lost.
    [Fact]
    public async Task Full_fine_tuning_of_a_16_bit_model_writes_the_values_that_were_trained()
    {
        var settings = Settings("full");
        TinyModel.Narrow(settings.Model.Model);
        // Without held-out rows the result is the last step, which is a checkpoint as well.
        await Run(TrainingRun.Create(settings with
        {
            Adapter = new AdapterSettings { Method = "full" },
            Data = settings.Data with { Validation = null },
            Evaluation = new EvaluationSettings(),
            Optimization = settings.Optimization with { MaxSteps = 4 },
        }));
        var output = Path.Combine(folder, "full");
        using var written = SafetensorsFile.Open(Path.Combine(output, "model.safetensors"));
        using var state = SafetensorsFile.Open(Path.Combine(TrainingCheckpoint.Newest(output)!, "trainer.safetensors"));
        Assert.True(state.TryGet("values", out var all));
        var trained = MemoryMarshal.Cast<byte, float>(state.Bytes(all)).ToArray().ToHashSet();
        Assert.All(written.Tensors, t => Assert.Equal(TensorType.F32, t.Type));
        foreach (var t in written.Tensors) Assert.True(trained.IsSupersetOf(MemoryMarshal.Cast<byte, float>(written.Bytes(t)).ToArray()), t.Name);
        Assert.Equal("float32", JsonNode.Parse(File.ReadAllText(Path.Combine(output, "config.json")))!["torch_dtype"]!.GetValue<string>());
    }

    [Fact]
    public async Task Continuing_an_adapter_starts_from_its_loss()
    {
        var settings = Settings("first");
        var first = await Run(TrainingRun.Create(settings));
        var second = await Run(TrainingRun.Create(settings with { Adapter = new AdapterSettings { Adapter = Path.Combine(folder, "first") }, Output = settings.Output with { Output = Path.Combine(folder, "second") } }));
        Assert.True(second.OfType<StepCompleted>().First().Loss < first.OfType<StepCompleted>().First().Loss - 0.5);
    }

    [Fact]
    public async Task Early_stopping_keeps_the_best()
    {
        var settings = Settings("early");
        var events = await Run(TrainingRun.Create(settings with
        {
            Optimization = settings.Optimization with { MaxSteps = 60, LearningRate = 0.3, Schedule = "constant" },
            Evaluation = new EvaluationSettings { EvalEvery = 1, Patience = 2 },
        }));
        var end = Assert.IsType<RunCompleted>(events[^1]);
        Assert.Equal(RunEnd.StoppedEarly, end.End);
        var evaluations = events.OfType<EvaluationCompleted>().ToArray();
        Assert.Equal(evaluations.Min(e => e.Loss), end.BestValidationLoss);
        Assert.False(evaluations[^1].IsBest);
    }

    [Fact]
    public void An_output_folder_that_holds_something_is_refused()
    {
        var settings = Settings("taken");
        Directory.CreateDirectory(settings.Output.Output);
        File.WriteAllText(Path.Combine(settings.Output.Output, "notes.txt"), "mine");
        var error = Assert.Throws<LowRankException>(() => TrainingRun.Create(settings));
        Assert.Contains("is not empty", error.Message);
        Assert.Equal(["notes.txt"], Directory.GetFiles(settings.Output.Output).Select(Path.GetFileName));
    }

    private double[] Losses(string output) => [.. File.ReadLines(Path.Combine(folder, output, "metrics.jsonl"))
        .Select(l => System.Text.Json.JsonDocument.Parse(l).RootElement).Where(e => e.GetProperty("event").GetString() == "step").Select(e => e.GetProperty("loss").GetDouble())];

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
