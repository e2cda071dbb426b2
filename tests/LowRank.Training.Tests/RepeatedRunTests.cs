using LowRank.Training.Checkpoints;
using LowRank.Training.Settings;

namespace LowRank.Training.Tests;

/// <summary>A run's folder holds what is needed to do it again to the byte, and to see where that is no longer possible.</summary>
public sealed class RepeatedRunTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-repeat-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("lora", null), InlineData("qlora", null), InlineData("lora", "6")]
    public async Task A_repeated_run_ends_in_the_same_bytes(string method, string? validation)
    {
        await Run(TrainingRun.Create(Settings(method, validation)));
        await Run(Repeat());
        foreach (var file in (string[])["adapter_model.safetensors", "adapter_config.json"]) Assert.Equal(File.ReadAllBytes(At("out", file)), File.ReadAllBytes(At("again", file)));
        // The second folder is as good a start as the first.
        var (first, second) = (RunRecord.Load(At("out")), RunRecord.Load(At("again")));
        Assert.Equal(first.Inputs, second.Inputs);
        Assert.Equal(first.Settings with { Output = second.Settings.Output }, second.Settings);
    }

    [Fact]
    public async Task Changed_data_is_refused_and_named()
    {
        await Run(TrainingRun.Create(Settings()));
        File.WriteAllText(At("data.jsonl"), File.ReadAllText(At("data.jsonl")).Replace("number 3?", "number 33?", StringComparison.Ordinal));
        var error = Assert.ThrowsAny<LowRankException>(() => Repeat());
        Assert.Matches("does not learn from the same tokens: the data is not the same \\(fingerprint [0-9a-f]{8}, here fingerprint [0-9a-f]{8}\\)\\. --force", error.Message);
        Assert.False(Directory.Exists(At("again")));
        using var forced = Repeat(("force", "true"));
        Assert.Contains(forced.Warnings, w => w.Contains("the data is not the same", StringComparison.Ordinal) && w.EndsWith("(--force)", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Data_that_moved_or_was_only_written_otherwise_is_the_same()
    {
        await Run(TrainingRun.Create(Settings()));
        File.WriteAllText(At("moved.jsonl"), File.ReadAllText(At("data.jsonl")).Replace("{\"messages\":", "{ \"messages\" :", StringComparison.Ordinal));
        File.Delete(At("data.jsonl"));
        using var repeated = Repeat(("data", At("moved.jsonl")));
        Assert.DoesNotContain(repeated.Warnings, w => w.Contains("not the same", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_changed_template_is_named()
    {
        await Run(TrainingRun.Create(Settings()));
        var config = At("model", "tokenizer_config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("|end|", "|fin|", StringComparison.Ordinal));
        var error = Assert.ThrowsAny<LowRankException>(() => Repeat()).Message;
        Assert.Contains("the chat template or its special tokens are not the same", error, StringComparison.Ordinal);
        Assert.DoesNotContain("the data is not the same", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_base_is_refused()
    {
        await Run(TrainingRun.Create(Settings()));
        TinyModel.Create(At("model"), seed: 2);
        Assert.Contains("is not the model that the run was made with (fingerprint", Assert.ThrowsAny<LowRankException>(() => Repeat()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Settings_are_the_runs_own()
    {
        await Run(TrainingRun.Create(Settings()));
        var error = Assert.Throws<SettingsException>(() => Repeat(("rank", "8"), ("seed", "5")));
        Assert.Equal(2, error.Problems.Count);
        Assert.Contains("--rank 8 differs from the run's 4: a repeated run keeps its settings", error.Message, StringComparison.Ordinal);
        using var same = Repeat(("rank", "4"));
        Assert.Equal(4, same.Settings.Adapter.Rank);
    }

    [Fact]
    public async Task Another_version_and_machine_are_told()
    {
        await Run(TrainingRun.Create(Settings()));
        var record = At("out", RunRecord.FileName);
        var text = File.ReadAllText(record).Replace(RunRecord.CurrentVersion.Replace("+", "\\u002B", StringComparison.Ordinal), "0.0.1", StringComparison.Ordinal);
        text = System.Text.RegularExpressions.Regex.Replace(text, "\"processor\": \"[^\"]*\"", "\"processor\": \"Abacus\"");
        File.WriteAllText(record, text);
        using var run = Repeat();
        Assert.Contains(run.Warnings, w => w.Contains("was made with LowRank 0.0.1, this is", StringComparison.Ordinal));
        Assert.Contains(run.Warnings, w => w.Contains("another machine (processor Abacus, here ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_record_without_fingerprints_is_repeated_with_a_warning()
    {
        await Run(TrainingRun.Create(Settings()));
        var record = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(At("out", RunRecord.FileName)))!.AsObject();
        Assert.True(record.Remove("inputs") && record.Remove("machine"));
        File.WriteAllText(At("out", RunRecord.FileName), record.ToJsonString());
        using var run = Repeat();
        Assert.Contains(run.Warnings, w => w.Contains("kept no fingerprints", StringComparison.Ordinal));
    }

    private string At(params string[] parts) => Path.Combine([folder, .. parts]);

    private TrainSettings Settings(string method = "lora", string? validation = null) => new()
    {
        Model = new ModelSettings { Model = TinyModel.Create(At("model")), Threads = 1 },
        Adapter = new AdapterSettings { Method = method, Rank = 4, Dropout = 0.1 },
        Data = new DataSettings { Data = TinyModel.CreateData(At("data.jsonl")), Validation = validation },
        // Steps come from the epochs: the repeated run must come to the same.
        Optimization = new OptimizationSettings { Epochs = 1.5, Batch = 4, LearningRate = 1e-2, Seed = 3 },
        Output = new OutputSettings { Output = At("out") },
    };

    private TrainingRun Repeat(params (string Key, string Value)[] entries) =>
        TrainingRun.Repeat(At("out"), [.. entries.Append(("output", At("again"))).Select(e => new SettingEntry(e.Item1, e.Item2, "--" + e.Item1))]);

    private static async Task Run(TrainingRun run)
    {
        using (run)
            await foreach (var _ in run.TrainAsync(TestContext.Current.CancellationToken)) { }
    }
}
