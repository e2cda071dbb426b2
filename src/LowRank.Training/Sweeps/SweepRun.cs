using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using LowRank.Formats;
using LowRank.Models;
using LowRank.Models.Checkpoints;
using LowRank.Runtime.ComputeTypes;
using LowRank.Training.Data;
using LowRank.Training.Data.Tokens;
using LowRank.Training.Packing;
using LowRank.Training.Planning;
using LowRank.Training.Planning.Sources;
using LowRank.Training.Settings;
using LowRank.Training.SideBySide;
using LowRank.Training.Starts;

namespace LowRank.Training.Sweeps;

/// <summary>
/// A search over settings of adapters: all are trained side by side over one loaded base, and after each round those of the highest held-out loss are left out. Its state is kept at the
/// end of each round, so that a sweep that was stopped goes on from there.
/// </summary>
internal sealed class SweepRun : IDisposable
{
    private readonly SweepSettings settings;
    private readonly IReadOnlyList<SweepCell> cells;
    private readonly LanguageModel model;
    private readonly SideBySideTrainer trainer;
    private readonly ExampleSet held;
    private readonly BatchOptions batches;
    private readonly SweepPlan plan;
    private SweepResult result;
    private RunTokens? tokens;

    private SweepRun(SweepSettings settings, IReadOnlyList<SweepCell> cells, LanguageModel model, SideBySideTrainer trainer, ExampleSet held, BatchOptions batches, SweepResult result, SweepPlan plan) =>
        (this.settings, this.cells, this.model, this.trainer, this.held, this.batches, this.result, this.plan) = (settings, cells, model, trainer, held, batches, result, plan);

    /// <summary>How many runs there are.</summary>
    public int Runs => result.Runs.Count;

    /// <summary>When runs are left out.</summary>
    public SweepPlan Plan => plan;

    /// <summary>How many adapters share a pass.</summary>
    public int Together => result.Together;

    /// <summary>Prepares a sweep, or one that goes on. What can be wrong is found before the model is loaded.</summary>
    /// <exception cref="LowRankException">Something is missing, does not fit in memory, or the folder holds another sweep.</exception>
    public static SweepRun Create(SweepSettings settings, Action<string>? progress = null, CancellationToken cancellation = default)
    {
        var cells = SweepCell.Of(settings);
        if (string.IsNullOrWhiteSpace(settings.Data.Validation)) throw new LowRankException("A sweep needs held-out rows, by which runs are judged: --validation FILE, or a number or share of the rows.");
        var earlier = Earlier(settings);
        var run = cells[0].Settings;
        var device = RunDevice.Of(run);
        var silenced = run.Guards.Names();
        var (data, split) = RunData.Load(run, silenced, progress, cancellation);
        var path = ModelLoader.Locate(run.Model.Name(), new ModelLoadOptions { Progress = progress }, cancellation);
        var text = ModelText.Load(path, null, cancellation);
        progress?.Invoke($"Tokenizing {data.Rows.Count} rows");
        List<string> choices = [];
        var (examples, held, maxLength, tokens) = RunData.Tokenize(run, text, split, silenced, choices, progress, cancellation);
        if (held is null) throw new LowRankException("A sweep needs held-out rows, by which runs are judged; --validation gave none.");
        var batches = new BatchOptions { BatchSize = run.Optimization.Batch, Layout = run.Data.Packing ? BatchLayout.Packed : BatchLayout.Padded, RowLength = maxLength, Shuffle = run.Data.Shuffle, Seed = run.Optimization.Seed };
        var source = ModelSource.Open(path);
        var threads = run.Model.Threads ?? Environment.ProcessorCount;
        var dtype = run.Model.Dtype ?? ComputeTypeChoice.For(source.Shape.LayerWeights, threads, device.Device).Name;
        cells = [.. cells.Select(c => c with { Settings = c.Settings with { Model = c.Settings.Model with { Dtype = dtype, Device = device.Name } } })];
        var together = settings.Sweep.Together ?? Fitting(cells, source, examples, batches, device.Budget(run.Memory.Memory));
        var model = RunModel.Load(cells[0].Settings, path, text, progress, cancellation);
        SideBySideTrainer? trainer = null;
        try
        {
            batches = batches with { PadTokenId = RunModel.PadToken(model) };
            var checkpointed = run.Optimization.Checkpointing == "full" ? (int)source.Shape.Layers : 0;
            var adapters = cells.Select(c => new SideBySideAdapter(c.Name, c.Settings.Adapter.ToConfig(), RunOptions.Of(c.Settings, threads, maxLength, batches, examples, []).Options with { CheckpointedLayers = checkpointed })).ToList();
            var alive = earlier is null ? adapters : [.. adapters.Where(a => earlier.Runs.Single(r => r.Name == a.Name).LeftOutAt is null)];
            trainer = new SideBySideTrainer(model, alive, examples.Examples, together);
            var plan = SweepPlan.Of(cells.Count, trainer.TotalSteps, settings.Sweep.KeepOneIn, settings.Sweep.Rounds);
            var sweep = new SweepRun(settings, cells, model, trainer, held, batches, earlier ?? new SweepResult
            {
                Vary = settings.Sweep.Vary,
                Settings = TextOf(settings),
                TotalSteps = trainer.TotalSteps,
                Rounds = 0,
                RoundSteps = plan.Steps,
                Together = together,
                Runs = [.. adapters.Select(a => new SweepRunResult { Name = a.Name, Trainable = trainer.TrainableOf(a.Name), LearningRate = a.Options.LearningRate })],
            }, plan);
            sweep.tokens = tokens;
            sweep.GoOn();
            return sweep;
        }
        catch
        {
            trainer?.Dispose();
            model.Dispose();
            tokens.Dispose();
            throw;
        }
    }

    /// <summary>Trains to the end, and writes the report.</summary>
    /// <param name="tell">Is told where it stands.</param>
    /// <param name="cancellation">Ends it within a step; what was kept at the last round stays.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public SweepResult Run(Action<SweepProgress> tell, CancellationToken cancellation = default)
    {
        var output = settings.Sweep.Output;
        Directory.CreateDirectory(output);
        Write();
        var losses = trainer.Names.ToDictionary(n => n, _ => new List<double>());
        for (var round = result.Rounds; round < plan.Steps.Count; round++)
        {
            var begun = Stopwatch.GetTimestamp();
            var tokens = 0L;
            while (trainer.Names.Any(n => trainer.StepOf(n) < plan.Steps[round]) && trainer.Step(cancellation) is { Count: > 0 } steps)
            {
                foreach (var step in steps) losses[step.Name].Add(step.Loss);
                tokens += steps.Sum(s => s.Tokens);
                tell(new SweepProgress(steps.Max(s => s.Step), plan.Steps[^1], steps.Count, steps.Min(s => double.IsNaN(s.Loss) ? double.PositiveInfinity : s.Loss), tokens / Stopwatch.GetElapsedTime(begun).TotalSeconds));
            }
            var judged = trainer.Names.ToDictionary(n => n, n => trainer.Evaluate(n, held.Examples, batches with { Layout = BatchLayout.GroupedByLength }, cancellation));
            Decide(round, judged, losses, tell);
            foreach (var list in losses.Values) list.Clear();
        }
        SweepReport.Write(output, result);
        return result;
    }

    // Those that go on are kept first: a sweep that is killed here goes on from the end of this round.
    private void Decide(int round, Dictionary<string, double> judged, Dictionary<string, List<double>> losses, Action<SweepProgress> tell)
    {
        var isLast = round == plan.Steps.Count - 1;
        string[] order = [.. judged.OrderBy(j => double.IsFinite(j.Value) ? j.Value : double.PositiveInfinity).Select(j => j.Key)];
        HashSet<string> going = isLast ? [.. order] : [.. order.Take(plan.Left[round])];
        if (!isLast) foreach (var name in going) trainer.Keep(name, FolderOf(name));
        result = result with
        {
            Rounds = round + 1,
            Runs = [.. result.Runs.Select(r => !judged.TryGetValue(r.Name, out var loss) ? r : r with
            {
                Losses = [.. r.Losses, loss],
                TrainLosses = [.. r.TrainLosses, .. losses[r.Name]],
                LeftOutAt = going.Contains(r.Name) ? null : plan.Steps[round],
            })],
        };
        if (isLast) Finish(order[0], judged[order[0]]);
        Write();
        tell(new SweepProgress(plan.Steps[round], plan.Steps[^1], going.Count, judged[order[0]], 0,
            string.Create(CultureInfo.InvariantCulture, $"step {plan.Steps[round]}: best {order[0]} with held-out loss {judged[order[0]]:0.0000}{(isLast ? "" : $"; {going.Count} of {order.Length} go on")}")));
        foreach (var name in order.Where(n => !going.Contains(n)))
        {
            trainer.Remove(name);
            DeleteFolder(FolderOf(name));
        }
        if (!isLast) return;
        DeleteFolder(Path.Combine(settings.Sweep.Output, "runs"));
    }

    private void Finish(string best, double loss)
    {
        if (!double.IsFinite(loss)) throw new LowRankException("All runs of the sweep diverged: lower the learning rates.");
        var folder = Path.Combine(settings.Sweep.Output, "best");
        DeleteFolder(folder);
        trainer.Save(best, folder);
        var chosen = cells.Single(c => c.Name == best).Settings;
        AtomicFile.WriteAllText(Path.Combine(settings.Sweep.Output, "best.yaml"), SweepReport.Yaml(chosen with { Output = new OutputSettings() }, [.. Comparison.VariedSetting.Parse(settings.Sweep.Vary).Select(v => v.Key)]));
        result = result with { Best = best };
    }

    // What was kept at the end of the last round.
    private void GoOn()
    {
        if (result.Rounds == 0) return;
        if (result.Rounds == plan.Steps.Count) throw new LowRankException($"{settings.Sweep.Output} holds a sweep that came to its end; the result is in {SweepResult.FileName}. Take another folder.");
        foreach (var name in trainer.Names) trainer.Restore(name, FolderOf(name), plan.Steps[result.Rounds - 1]);
    }

    private static SweepResult? Earlier(SweepSettings settings)
    {
        var output = settings.Sweep.Output;
        var file = Path.Combine(output, SweepResult.FileName);
        if (!File.Exists(file))
            return !File.Exists(output) && (!Directory.Exists(output) || !Directory.EnumerateFileSystemEntries(output).Any()) ? null : throw new LowRankException($"{output} exists and holds no sweep. Take another folder: --output FOLDER.");
        SweepResult? found;
        try
        {
            found = JsonSerializer.Deserialize(File.ReadAllBytes(file), SweepJson.Default.SweepResult);
        }
        catch (JsonException error)
        {
            throw new LowRankException($"{file}, line {error.LineNumber + 1}: {error.Message.Split(" Path:")[0]} Take another folder.", error);
        }
        return found?.Settings == TextOf(settings) ? found : throw new LowRankException($"{output} holds a sweep with other settings. Go on with the same ones, or take another folder: --output FOLDER.");
    }

    // The largest number of runs whose rows fit in one batch.
    private static int Fitting(IReadOnlyList<SweepCell> cells, ModelSource source, ExampleSet examples, BatchOptions batches, MemoryBudget budget)
    {
        var largest = cells.MaxBy(c => Shapes(source, c))!;
        var others = cells.Sum(c => Shapes(source, c)) - Shapes(source, largest);
        for (var together = cells.Count; together > 1; together--)
            if (Plan(together).Needed + others <= budget.Usable) return together;
        var (alone, planner) = (Plan(1), Planner(1));
        planner.Check(alone, budget with { Bytes = budget.Bytes - others });
        return 1;

        RunPlanner Planner(int rows) => new(largest.Settings, source, examples.Examples, batches, rows);
        MemoryPlan Plan(int rows) => Planner(rows) is var p ? p.Plan(largest.Settings.Optimization.Checkpointing == "full" ? p.Layers : 0) : null!;
    }

    // Values, gradients and two moments, fp32.
    private static long Shapes(ModelSource source, SweepCell cell) => 4 * sizeof(float) * Planning.Shapes.AdapterShape.Of(source.Shape, cell.Settings.Adapter.ToConfig()).TrainableParameters;

    private string FolderOf(string name) => Path.Combine(settings.Sweep.Output, "runs", Convert.ToHexStringLower(System.IO.Hashing.XxHash64.Hash(System.Text.Encoding.UTF8.GetBytes(name))));

    private static void DeleteFolder(string folder)
    {
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
    }

    private void Write() => AtomicFile.WriteAllBytes(Path.Combine(settings.Sweep.Output, SweepResult.FileName), JsonSerializer.SerializeToUtf8Bytes(result, SweepJson.Default.SweepResult));

    private static string TextOf(SweepSettings settings) => SettingsBinder.ToJson(settings with { Sweep = settings.Sweep with { Output = "", Together = null } }).ToJsonString();

    /// <inheritdoc/>
    public void Dispose()
    {
        trainer.Dispose();
        model.Dispose();
        tokens?.Dispose();
    }
}
