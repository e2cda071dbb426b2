using System.Text.Json;
using LowRank.Training.Comparison;
using LowRank.Training.Comparison.Parts;
using LowRank.Training.Settings;

namespace LowRank.Training.Tests.Comparison;

/// <summary>Whole comparisons of a tiny model in this process: choice of the learning rate, figures, files, and what is kept for the next call.</summary>
public sealed class ComparisonRunTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-compare-").FullName;

    private ComparisonSettings Settings(string vary = "method=full,lora", int seeds = 2, string metric = "exact", string grid = "1e-9,1e-2 full:5e-3") => new()
    {
        Comparison = new CompareSettings { Vary = vary, Seeds = seeds, LrGrid = grid, Metric = metric, Output = Path.Combine(folder, "out"), General = General(), EvalEvery = 2 },
        Model = new ModelSettings { Model = TinyModel.Create(Path.Combine(folder, "model")), Threads = 1 },
        Adapter = new AdapterSettings { Rank = 4 },
        Data = new DataSettings { Data = TinyModel.CreateData(Path.Combine(folder, "data.jsonl")), Validation = "6" },
        Optimization = new OptimizationSettings { MaxSteps = 6, Batch = 6, Seed = 3 },
    };

    private string General()
    {
        var path = Path.Combine(folder, "general.txt");
        File.WriteAllText(path, "A river ran through the town.\n\nIts bridge was old.\n");
        return path;
    }

    private sealed class Counting(Func<string, bool>? fails = null) : IPartRunner
    {
        private readonly InProcessRunner inner = new();

        public List<string> Done { get; } = [];

        public async Task RunAsync(string request, Action<PartProgress> tell, CancellationToken cancellation)
        {
            if (fails?.Invoke(request) == true) throw new LowRankException("the roof fell in");
            await inner.RunAsync(request, tell, cancellation);
            Done.Add(Path.GetFileName(request));
        }
    }

    [Fact]
    public async Task Objectives_are_compared_on_pairs_by_the_likelier_answer()
    {
        var settings = Settings("objective=dpo,simpo,kto", seeds: 1, grid: "1e-2,1e-1");
        settings = settings with { Data = new DataSettings { Data = LowRank.Training.Tests.Objectives.PreferenceData.Create(Path.Combine(folder, "pairs.jsonl")), Validation = "6" } };
        var result = await ComparisonRun.Create(settings, new InProcessRunner()).RunAsync(_ => { }, TestContext.Current.CancellationToken);
        Assert.Equal(["objective dpo", "objective simpo", "objective kto"], result.Cells.Select(c => c.Name));
        Assert.NotNull(result.Base!.Accuracy);
        foreach (var cell in result.Cells)
        {
            // A tenth of the grid, as preferences want it.
            Assert.Equal([1e-3, 1e-2], cell.Rates.Select(r => r.LearningRate).Select(r => Math.Round(r, 6)));
            Assert.True(cell is { Loss: > 0, Accuracy.Value: >= 0 and <= 1 }, cell.Name);
            Assert.Empty(cell.Failures);
        }
        Assert.Contains(result.Notes, n => n.Contains("share of pairs whose better answer is the likelier one", StringComparison.Ordinal));

        // What cannot stand side by side is told before anything runs.
        void Refused(string part, ComparisonSettings wrong) => Assert.Contains(part, Assert.ThrowsAny<LowRankException>(() => ComparisonRun.Create(wrong, new InProcessRunner())).Message, StringComparison.Ordinal);
        ComparisonSettings Varied(string vary) => settings with { Comparison = settings.Comparison with { Vary = vary, Output = Path.Combine(folder, "other") } };
        Refused("sft does not take these rows", Varied("objective=sft,dpo"));
        Refused("--method full does not go with --objective dpo", Varied("method=lora,full objective=dpo"));
        Refused("which needs rows with \"chosen\" and \"rejected\"", Varied("objective=kto") with { Data = settings.Data with { Data = LowRank.Training.Tests.Objectives.JudgedData.Create(Path.Combine(folder, "judged.jsonl")) } });
    }

    [Fact]
    public async Task Cells_have_their_best_rate_and_their_figures()
    {
        var run = ComparisonRun.Create(Settings(), new InProcessRunner());
        Assert.Equal(1 + 1 + 3 + 2 + 3, run.TotalParts);
        var told = new List<ComparisonProgress>();
        var result = await run.RunAsync(told.Add, TestContext.Current.CancellationToken);
        var ends = told.Where(t => t.Outcome is not null).ToList();
        Assert.Equal(Enumerable.Range(1, 10), ends.Select(t => t.Number));
        Assert.All(ends, t => Assert.False(t.IsKept));

        Assert.Equal(["full", "lora"], result.Cells.Select(c => c.Name));
        var (full, lora) = (result.Cells[0], result.Cells[1]);
        Assert.Equal(1e-2, lora.LearningRate);
        Assert.True(lora.IsRateAtEdge);
        Assert.Equal([1e-9, 1e-2], lora.Rates.Select(r => r.LearningRate));
        Assert.True(lora.Rates[0].ValidationLoss > lora.Rates[1].ValidationLoss);
        Assert.Equal((32, 32), (full.Bits, lora.Bits));
        Assert.True(full.TrainableParameters > lora.TrainableParameters && full.AllParameters == full.TrainableParameters);
        foreach (var cell in result.Cells)
        {
            Assert.Equal([3L, 4L], cell.Seeds);
            Assert.Equal([2L, 4L, 6L], cell.Curve.Select(p => p.Step));
            Assert.All(cell.Curve, p => Assert.True(p.Low <= p.Mean && p.Mean <= p.High));
            Assert.True(cell.Loss < result.Base!.Loss - 0.5, $"{cell.Name}: {cell.Loss} of {result.Base.Loss}");
            Assert.True(cell is { LossDeviation: > 0, PlannedPeakBytes: > 0, MeasuredPeakBytes: > 0, TokensPerSecond: > 0, DecodeTokensPerSecond: > 0, SizeOnDisk: > 1000, Forgetting: not null });
            Assert.NotNull(cell.Accuracy);
            Assert.Equal(["8 GB", "T4", "24 GB"], cell.Fits);
            Assert.Empty(cell.Failures);
        }
        Assert.Equal(6, result.Rows);
    }

    [Fact]
    public async Task The_folder_holds_results_table_pictures_and_no_weights()
    {
        var result = await ComparisonRun.Create(Settings(seeds: 1), new InProcessRunner()).RunAsync(_ => { }, TestContext.Current.CancellationToken);
        var output = Path.Combine(folder, "out");
        Assert.Equal(["accuracy.png", "comparison.json", "curves.png", "parts", "results.json", "table.md"], Directory.GetFileSystemEntries(output).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(["lr-0.01-seed-3-evaluation.json", "lr-0.01-seed-3.json", "lr-1e-09-seed-3.json"], Directory.GetFileSystemEntries(Path.Combine(output, "parts", "lora")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(output, "results.json")));
        Assert.Equal(result.Cells[1].Loss, json.RootElement.GetProperty("cells")[1].GetProperty("loss").GetDouble());
        var table = File.ReadAllText(Path.Combine(output, "table.md"));
        Assert.Contains("| method | lr | loss | right % [95 %] | gain kept % | forgets |", table, StringComparison.Ordinal);
        Assert.Contains("| lora | 1e-2 |", table, StringComparison.Ordinal);
        foreach (var lines in ComparisonTables.Of(result)) Assert.All(lines.Lines(), line => Assert.True(line.Length <= 78, line));
        Assert.Equal(["name", "  a   b", "long", "  1  22"], new TextTable("", ["name", "a", "b"], [["long", "1", "22"]]).Lines(9));
    }

    [Fact]
    public async Task Without_answers_the_gain_kept_is_one_of_loss()
    {
        var result = await ComparisonRun.Create(Settings(seeds: 1, metric: "loss", grid: "1e-2 full:5e-3"), new InProcessRunner()).RunAsync(_ => { }, TestContext.Current.CancellationToken);
        var (full, lora) = (result.Cells[0], result.Cells[1]);
        Assert.Equal(new Estimate(1), full.GainKept);
        Assert.Equal((result.Base!.Loss - lora.Loss!.Value) / (result.Base.Loss - full.Loss!.Value), lora.GainKept!.Value, 1e-12);
        Assert.Null(lora.Accuracy);
        Assert.False(File.Exists(Path.Combine(folder, "out", "accuracy.png")));
    }

    [Fact]
    public async Task What_is_finished_is_not_run_again()
    {
        var settings = Settings(seeds: 1, metric: "loss", grid: "1e-3,1e-2 full:5e-3");
        using var stop = new CancellationTokenSource();
        var first = new Counting();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ComparisonRun.Create(settings, first).RunAsync(p => { if (p is { Number: 5, Inner.Done: 2 }) stop.Cancel(); }, stop.Token));
        Assert.Equal(4, first.Done.Count);
        Assert.False(File.Exists(Path.Combine(folder, "out", "results.json")));

        var second = new Counting();
        var told = new List<ComparisonProgress>();
        var result = await ComparisonRun.Create(settings, second).RunAsync(told.Add, TestContext.Current.CancellationToken);
        Assert.Equal(["lr-0.01-seed-3.request.json", "lr-0.01-seed-3-evaluation.request.json"], second.Done);
        Assert.Equal(4, told.Count(t => t.IsKept));

        // More seeds and cells are added to what is there.
        var third = new Counting();
        var more = await ComparisonRun.Create(settings with { Comparison = settings.Comparison with { Vary = "method=full,lora rank=4,8", Seeds = 2 } }, third).RunAsync(_ => { }, TestContext.Current.CancellationToken);
        Assert.Equal(["full", "lora r 4", "lora r 8"], more.Cells.Select(c => c.Name));
        Assert.Equal(result.Cells[0].Rates, more.Cells[0].Rates);
        Assert.Equal(2, third.Done.Count(d => d.StartsWith("lr-0.005-seed-4", StringComparison.Ordinal)));
        Assert.DoesNotContain("lr-0.005-seed-3.request.json", third.Done);
    }

    [Fact]
    public async Task A_run_whose_weights_are_gone_before_they_were_measured_is_run_again()
    {
        var settings = Settings("method=lora", seeds: 1, metric: "loss", grid: "1e-2");
        var whole = await ComparisonRun.Create(settings with { Comparison = settings.Comparison with { KeepWeights = true } }, new InProcessRunner()).RunAsync(_ => { }, TestContext.Current.CancellationToken);
        var parts = Path.Combine(folder, "out", "parts", "lora");
        Assert.True(File.Exists(Path.Combine(parts, "lr-0.01-seed-3.weights", "adapter_model.safetensors")));
        Directory.Delete(Path.Combine(parts, "lr-0.01-seed-3.weights"), recursive: true);
        File.Delete(Path.Combine(parts, "lr-0.01-seed-3-evaluation.json"));
        var runner = new Counting();
        var again = await ComparisonRun.Create(settings, runner).RunAsync(_ => { }, TestContext.Current.CancellationToken);
        Assert.Equal(["lr-0.01-seed-3.request.json", "lr-0.01-seed-3-evaluation.request.json"], runner.Done);
        Assert.Equal(whole.Cells[0].Loss, again.Cells[0].Loss);
    }

    [Fact]
    public async Task Other_settings_or_data_in_the_same_folder_are_refused()
    {
        var settings = Settings("method=lora", seeds: 1, metric: "loss", grid: "1e-2");
        await ComparisonRun.Create(settings, new InProcessRunner()).RunAsync(_ => { }, TestContext.Current.CancellationToken);
        var other = settings with { Optimization = settings.Optimization with { Batch = 3 } };
        var error = await Assert.ThrowsAsync<LowRankException>(() => ComparisonRun.Create(other, new InProcessRunner()).RunAsync(_ => { }, TestContext.Current.CancellationToken));
        Assert.Contains("--batch 6, now 3", error.Message, StringComparison.Ordinal);
        TinyModel.CreateData(Path.Combine(folder, "data.jsonl"), rows: 25);
        await Assert.ThrowsAsync<LowRankException>(() => ComparisonRun.Create(settings, new InProcessRunner()).RunAsync(_ => { }, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_part_that_fails_is_told_and_the_others_go_on()
    {
        var settings = Settings("rank=2,4", seeds: 1, metric: "loss", grid: "1e-2");
        var result = await ComparisonRun.Create(settings, new Counting(request => request.Contains("r-2", StringComparison.Ordinal))).RunAsync(_ => { }, TestContext.Current.CancellationToken);
        Assert.Null(result.Cells[0].LearningRate);
        Assert.Contains("the roof fell in", Assert.Single(result.Cells[0].Failures), StringComparison.Ordinal);
        Assert.NotNull(result.Cells[1].Loss);
        Assert.Contains(result.Notes, n => n.Contains("0 of 1 seeds", StringComparison.Ordinal));
        var next = await ComparisonRun.Create(settings, new InProcessRunner()).RunAsync(_ => { }, TestContext.Current.CancellationToken);
        Assert.NotNull(next.Cells[0].Loss);
    }

    [Fact]
    public async Task Four_bits_of_a_base_are_shown_as_such()
    {
        var result = await ComparisonRun.Create(Settings("method=lora,qlora", seeds: 1, metric: "loss", grid: "1e-2"), new InProcessRunner()).RunAsync(_ => { }, TestContext.Current.CancellationToken);
        Assert.Equal([32, 4], result.Cells.Select(c => c.Bits));
        Assert.All(result.Cells, c => Assert.Null(c.GainKept));
    }

    [Fact]
    public void A_folder_of_something_else_and_data_without_held_out_rows_are_refused()
    {
        var settings = Settings();
        Assert.Contains("--validation", Assert.Throws<LowRankException>(() => ComparisonRun.Create(settings with { Data = settings.Data with { Validation = null } }, new InProcessRunner())).Message, StringComparison.Ordinal);
        Directory.CreateDirectory(settings.Comparison.Output);
        File.WriteAllText(Path.Combine(settings.Comparison.Output, "notes.txt"), "mine");
        Assert.Contains("holds no comparison", Assert.Throws<LowRankException>(() => ComparisonRun.Create(settings, new InProcessRunner())).Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
