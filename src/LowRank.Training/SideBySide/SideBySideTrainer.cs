using LowRank.Adapters;
using LowRank.Adapters.Many;
using LowRank.Models;
using LowRank.Training.Data;
using LowRank.Training.Evaluation;
using LowRank.Training.Objectives;
using LowRank.Training.Packing;

namespace LowRank.Training.SideBySide;

/// <summary>
/// Trains several adapters over one loaded base: their batches stand in one, so that the base is read and multiplied once for all, while each adapter has its own order of the data,
/// gradients, optimizer and learning rate. What each learns is what it would learn alone, but for rounding. Used by one thread.
/// </summary>
public sealed class SideBySideTrainer : IDisposable
{
    private readonly LanguageModel model;
    private readonly AdapterCollection held;
    private readonly int together;
    private readonly List<SideBySideRun> runs = [];

    /// <summary>Prepares the runs at their first step.</summary>
    /// <param name="model">The model; no adapter may stand in it alone.</param>
    /// <param name="adapters">The adapters.</param>
    /// <param name="examples">What to learn from.</param>
    /// <param name="together">How many adapters share a pass; more need memory for more rows at once, and change nothing else. Default all.</param>
    /// <exception cref="LowRankException">Settings that are to be the same are not, or an adapter cannot be trained beside others.</exception>
    public SideBySideTrainer(LanguageModel model, IReadOnlyList<SideBySideAdapter> adapters, IReadOnlyList<Example> examples, int? together = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(adapters);
        Check(adapters);
        if (examples.FirstOrDefault(e => e.Rejected is not null) is { } pair)
            throw new LowRankException($"{pair.Row?.Place ?? "An example"} is a preference, and adapters that are trained side by side learn supervised text alone. Train each by itself with DPO, ORPO or SimPO.");
        (this.model, this.together) = (model, Math.Clamp(together ?? adapters.Count, 1, Math.Max(1, adapters.Count)));
        held = model.HoldAdapters();
        try
        {
            foreach (var adapter in adapters) runs.Add(new SideBySideRun(model, adapter, examples));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The adapters that are trained, in their order.</summary>
    public IReadOnlyList<string> Names => [.. runs.Select(r => r.Name)];

    /// <summary>Steps of the whole run.</summary>
    public long TotalSteps => runs.Count == 0 ? 0 : runs[0].TotalSteps;

    /// <summary>Parameters of an adapter.</summary>
    public long TrainableOf(string name) => Find(name).Trainable;

    /// <summary>Steps that an adapter has taken.</summary>
    public long StepOf(string name) => Find(name).Step;

    /// <summary>Takes one optimizer step with every adapter that still learns.</summary>
    /// <param name="cancellation">Ends it between the passes of two groups, before any of the second group's adapters has changed.</param>
    public IReadOnlyList<SideBySideStep> Step(CancellationToken cancellation = default)
    {
        var steps = new List<SideBySideStep>();
        foreach (var group in runs.Where(r => !r.HasDiverged).Chunk(together))
        {
            cancellation.ThrowIfCancellationRequested();
            steps.AddRange(Step(group));
        }
        return steps;
    }

    private List<SideBySideStep> Step(SideBySideRun[] group)
    {
        var micro = Array.ConvertAll(group, r => r.Next());
        var supervised = Array.ConvertAll(micro, m => m.Sum(b => (long)b.SupervisedTokens));
        var scales = Array.ConvertAll(supervised, s => 1.0 / Math.Max(1, s));
        var losses = new double[group.Length];
        for (var i = 0; i < group[0].Options.Accumulate; i++)
        {
            Batch[] batches = [.. micro.Select(m => m[i])];
            void Route(int[] rows) => held.UseRows([.. group.SelectMany((run, at) => Enumerable.Repeat(run.Name, rows[at]))]);
            var own = SideBySideLoss.Backward(model.Decoder, batches, scales, Route, group[0].Options.Batches.PadTokenId, group[0].Options.CheckpointedLayers);
            for (var at = 0; at < own.Length; at++) losses[at] += own[at];
        }
        return [.. group.Select((run, at) => run.Apply(losses[at], supervised[at], micro[at].Sum(b => (long)b.Tokens)))];
    }

    /// <summary>The loss of an adapter per supervised token on held-out examples.</summary>
    /// <param name="name">The adapter.</param>
    /// <param name="examples">The examples; at least one.</param>
    /// <param name="batches">How they become batches.</param>
    /// <param name="cancellation">Ends it after a batch.</param>
    public double Evaluate(string name, IReadOnlyList<Example> examples, BatchOptions batches, CancellationToken cancellation = default)
    {
        var run = Find(name);
        if (run.HasDiverged) return double.NaN;
        held.Use(name);
        return Evaluator.Loss(model, examples, batches with { Shuffle = false }, cancellation: cancellation).Loss;
    }

    /// <summary>Takes an adapter out; the others go on.</summary>
    public void Remove(string name)
    {
        var run = Find(name);
        runs.Remove(run);
        held.Use();
        held.Remove(name);
        held.BeginPass();
        run.Dispose();
    }

    /// <summary>Writes an adapter in PEFT's form.</summary>
    /// <param name="name">The adapter.</param>
    /// <param name="folder">The folder to create; it must not exist, or be empty.</param>
    public void Save(string name, string folder) => Find(name).Save(folder);

    /// <summary>Keeps all that an adapter needs to go on exactly.</summary>
    internal void Keep(string name, string folder) => Find(name).Keep(folder);

    /// <summary>Lets an adapter go on from what was kept at a step.</summary>
    internal void Restore(string name, string folder, long step) => Find(name).Restore(folder, step);

    private SideBySideRun Find(string name) => runs.Find(r => r.Name == name) ?? throw new ArgumentException($"No adapter called {name} is trained here; there are {string.Join(", ", Names)}.", nameof(name));

    private static void Check(IReadOnlyList<SideBySideAdapter> adapters)
    {
        if (adapters.Count == 0) throw new ArgumentException("There is no adapter to train.", nameof(adapters));
        var first = adapters[0].Options;
        foreach (var (name, config, options) in adapters)
        {
            if (config is AdaLoraConfig) throw new LowRankException($"{name}: AdaLoRA shares out its ranks over a run of its own, so that it cannot be trained beside others. Train it alone.");
            if (config is LoraConfig { Initialization: LoraInitialization.Eva or LoraInitialization.LoftQ })
                throw new LowRankException($"{name}: a start from the data or from what quantizing lost (init eva, loftq) is found for an adapter that stands in the model alone. Train it alone, or take another start.");
            if (config is LoraConfig { Dropout: > 0 } or MissConfig { Dropout: > 0 }) throw new LowRankException($"{name}: dropout's masks follow the shape of a batch, which adapters share when they are trained side by side. Set it to 0.");
            if (options.Objective != new ObjectiveOptions()) throw new LowRankException($"{name}: adapters that are trained side by side learn supervised text alone, without label smoothing and noise; the objective here is {options.Objective.Kind}. Train it alone.");
            if (options.Accumulate != first.Accumulate || options.CheckpointedLayers != first.CheckpointedLayers || options.TotalSteps != first.TotalSteps || options.Epochs != first.Epochs
                || options.Batches with { Seed = 0 } != first.Batches with { Seed = 0 })
                throw new LowRankException($"{name}: steps, batches and accumulation must be those of {adapters[0].Name}, because both are trained in one batch.");
        }
    }

    /// <summary>Frees gradients and optimizers, and puts the base model back.</summary>
    public void Dispose()
    {
        model.Detach();
        foreach (var run in runs) run.Dispose();
        runs.Clear();
    }
}
