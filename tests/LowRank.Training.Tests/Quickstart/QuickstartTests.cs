using System.Diagnostics;
using LowRank.Testing;
using LowRank.Training.Events;
using LowRank.Training.Quickstart;

namespace LowRank.Training.Tests.Quickstart;

/// <summary>The quickstart as <c>lowrank quickstart</c> runs it, with the model and data that ship.</summary>
[Trait("Category", "Quickstart")]
public sealed class QuickstartTests(ITestOutputHelper output) : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-quickstart-").FullName;

    [Fact]
    public async Task The_tiny_model_gains_forty_points_and_the_saved_adapter_answers_the_same()
    {
        var clock = Stopwatch.StartNew();
        var events = await Run(new QuickstartOptions { Output = Path.Combine(folder, "out") });
        output.WriteLine($"{clock.Elapsed.TotalSeconds:f1} s");

        var planned = Assert.IsType<QuickstartPlanned>(events[0]);
        Assert.InRange(planned.BaseParameters, 500_000, 2_000_000);
        Assert.True(planned.Memory.Total > 0);
        var measured = events.OfType<QuickstartMeasured>().ToArray();
        Assert.Equal([false, true], measured.Select(m => m.IsTrained));
        var result = Assert.IsType<QuickstartCompleted>(events[^1]);
        output.WriteLine($"accuracy {result.AccuracyBefore:p1} -> {result.AccuracyAfter:p1}; training {result.Training.Elapsed.TotalSeconds:f1} s; memory planned {result.Training.PredictedPeakBytes >> 20} MiB, measured {result.Training.PeakBytes >> 20} MiB");
        foreach (var answer in result.Answers) output.WriteLine($"{answer.Question} [{answer.Expected}] {answer.Before} -> {answer.After}");
        foreach (var wrong in measured[1].Result.Wrong) output.WriteLine($"wrong: {wrong}");
        Assert.True(result.AccuracyBefore <= 0.2, $"the base model knows the task: {result.AccuracyBefore:p1}");
        Assert.True(result.AccuracyAfter - result.AccuracyBefore >= 0.4, $"accuracy {result.AccuracyBefore:p1} to {result.AccuracyAfter:p1}");
        Assert.True(result.IsReloadedEqual);
        Assert.Equal(3, result.Answers.Select(a => a.Expected).Distinct().Count());
        var written = Directory.GetFileSystemEntries(result.Folder).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal);
        Assert.Equal(["adapter_config.json", "adapter_model.safetensors", "lowrank.json", "metrics.jsonl", "run.json"], written);
    }

    [Fact]
    public void An_output_folder_that_is_not_empty_is_refused()
    {
        File.WriteAllText(Path.Combine(folder, "something"), "");
        Assert.Contains("--output", Assert.Throws<LowRankException>(() => QuickstartRun.Create(new QuickstartOptions { Output = folder })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cancelled_quickstart_ends_within_a_step_and_says_so()
    {
        using var stop = new CancellationTokenSource();
        var run = QuickstartRun.Create(new QuickstartOptions { Output = Path.Combine(folder, "out"), HeldOut = 4 });
        var last = new List<TrainingEvent>();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var e in run.RunAsync(stop.Token))
            {
                if (e is not QuickstartTraining training) continue;
                last.Add(training.Event);
                if (training.Event is StepCompleted) await stop.CancelAsync();
            }
        });
        Assert.Equal(RunEnd.Cancelled, Assert.IsType<RunCompleted>(last[^1]).End);
    }

    [Fact, Trait("Category", "RealModel")]
    public async Task A_real_model_learns_intents_that_it_did_not_know()
    {
        var model = RealModels.Require(RealModels.SmolLM2);
        var events = await Run(new QuickstartOptions { Model = model, Output = Path.Combine(folder, "out"), MaxSteps = 30, HeldOut = 40 });
        var result = Assert.IsType<QuickstartCompleted>(events[^1]);
        output.WriteLine($"accuracy {result.AccuracyBefore:p1} -> {result.AccuracyAfter:p1}; training {result.Training.Elapsed.TotalSeconds:f1} s, all {result.Elapsed.TotalSeconds:f1} s");
        foreach (var answer in result.Answers) output.WriteLine($"{answer.Question} [{answer.Expected}] {answer.Before} -> {answer.After}");
        Assert.True(result.AccuracyAfter - result.AccuracyBefore >= 0.4, $"accuracy {result.AccuracyBefore:p1} to {result.AccuracyAfter:p1}");
        Assert.True(result.IsReloadedEqual);
    }

    private static async Task<List<QuickstartEvent>> Run(QuickstartOptions options)
    {
        var events = new List<QuickstartEvent>();
        await foreach (var e in QuickstartRun.Create(options).RunAsync()) events.Add(e);
        return events;
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
