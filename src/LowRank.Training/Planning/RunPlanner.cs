using LowRank.Adapters;
using LowRank.Optimizers;
using LowRank.Quantization;
using LowRank.Training.Data;
using LowRank.Training.Packing;
using LowRank.Training.Planning.Shapes;
using LowRank.Training.Planning.Sources;
using LowRank.Training.Settings;

namespace LowRank.Training.Planning;

/// <summary>Plans a run of <c>lowrank train</c> from its settings and its batches, before the model is loaded.</summary>
internal sealed class RunPlanner
{
    private readonly TrainSettings settings;
    private readonly ModelSource source;
    private readonly WidestBatch widest;

    /// <param name="settings">The run.</param>
    /// <param name="source">Its model.</param>
    /// <param name="examples">What is learned.</param>
    /// <param name="batches">How examples become batches.</param>
    /// <param name="together">Batches that go through the model at once, each of an adapter of its own.</param>
    public RunPlanner(TrainSettings settings, ModelSource source, IReadOnlyList<Example> examples, BatchOptions batches, int together = 1)
        : this(settings, source, WidestBatch.Of(examples, batches, settings.Optimization, IsCompact(settings, source)).Times(together))
    {
    }

    private RunPlanner(TrainSettings settings, ModelSource source, WidestBatch widest) => (this.settings, this.source, this.widest) = (settings, source, widest);

    // As BatchInput decides it for the model, and with own nodes, for which tokens are all that counts.
    private static bool IsCompact(TrainSettings settings, ModelSource source) =>
        settings.Model.Device is null or "cpu" && settings.Adapter.Dropout == 0 && settings.Objective.NeftuneAlpha == 0 && !source.Shape.RopeFollowsLength;

    /// <summary>Layers of the model.</summary>
    public int Layers => (int)source.Shape.Layers;

    /// <summary>The plan with so many layers checkpointed.</summary>
    public MemoryPlan Plan(int checkpointedLayers)
    {
        var (model, adapter) = (source.Shape, Adapter());
        // Tokens are all that counts for a batch that is one row of the decoder.
        var (rows, length) = widest.Tokens < widest.Rows * widest.Length ? (1, widest.Tokens) : (widest.Rows, widest.Length);
        return MemoryPlanner.Predict(model, new PlannedRun
        {
            Recipe = Recipe(),
            Adapter = adapter,
            Rows = rows,
            Length = length,
            SupervisedTokens = widest.SupervisedTokens,
            CheckpointedLayers = checkpointedLayers,
            // On a processor activations stay fp32.
            ComputeBytes = PlannedRun.ActivationBytes(settings.Model.Device is null or "cpu" ? null : settings.Model.Dtype),
            ProductBytes = PlannedRun.OperandBytes(settings.Model.Dtype, settings.Adapter.Method == "full"),
            StoredBytes = source.StoredBytes,
            HasDropout = settings.Adapter.Dropout > 0 && adapter is not null,
            IsPacked = settings.Data.Packing,
            Optimizer = OptimizerBytes.Of(settings.Optimization.Optimizer == "adamw8bit" ? OptimizerKind.AdamW8Bit : OptimizerKind.AdamW, settings.Optimization.Paged, adapter?.TrainedTensors ?? model.Tensors()),
            // A checkpoint in 4 bits keeps its own form, whatever the settings say.
            Quantization = source.FourBit ?? settings.Adapter.ToQuantization() ?? new FourBitOptions(),
        });
    }

    /// <summary>The plan of the same run with its batches cut into parts of rows.</summary>
    /// <param name="parts">How many, from 1.</param>
    public RunPlanner InParts(int parts) => With(w => w with { Rows = w.SequencesOfRow * ((w.Rows / w.SequencesOfRow + parts - 1) / parts), SupervisedTokens = (w.SupervisedTokens + parts - 1) / parts });

    /// <summary>Refuses a run that needs more than there is.</summary>
    /// <param name="plan">Its plan.</param>
    /// <param name="budget">What there is.</param>
    /// <exception cref="NotEnoughMemoryException">It does not fit, and --force was not given. Where it fits barely, the guard memory-tight says so.</exception>
    public void Check(MemoryPlan plan, MemoryBudget budget)
    {
        if (plan.Needed <= budget.Bytes || settings.Memory.Force) return;
        var fitting = Fitting(budget.Usable).Take(3).ToList();
        if (fitting.Count == 0) fitting = [.. Fitting(budget.Bytes).Take(2).Select(f => $"{f} (without 20 % of headroom)")];
        throw new NotEnoughMemoryException(plan, budget, fitting);
    }

    // Changes that make the run fit, each alone, the mildest first; at the end the strongest together.
    private IEnumerable<string> Fitting(long bytes)
    {
        bool Fits(RunPlanner changed) => changed.Plan(Layers).Needed <= bytes;
        var again = settings.Optimization.Checkpointing == "none" ? " with --checkpointing full" : "";
        if (again.Length > 0 && Fits(this)) yield return "--checkpointing full";
        var batch = widest.Rows / widest.SequencesOfRow;
        for (var rows = batch / 2; rows >= 1; rows /= 2)
        {
            if (!Fits(With(w => w with { Rows = rows * w.SequencesOfRow, SupervisedTokens = w.SupervisedTokens * rows / batch }))) continue;
            yield return FormattableString.Invariant($"--batch {rows} --accumulate {settings.Optimization.Accumulate * ((settings.Optimization.Batch + rows - 1) / rows)}{again}");
            break;
        }
        for (var length = widest.Length / 2; length >= 64; length /= 2)
        {
            if (!Fits(With(w => w with { Length = length, SupervisedTokens = w.SupervisedTokens * length / w.Length }))) continue;
            yield return FormattableString.Invariant($"--max-length {length}{again}");
            break;
        }
        if (Methods(Fits, again).ToList() is { Count: > 0 } methods)
        {
            foreach (var method in methods) yield return method;
            yield break;
        }
        if (settings.Adapter.Method == "qlora" || batch == 1) yield break;
        var least = new RunPlanner(settings with { Adapter = settings.Adapter with { Method = "qlora" } }, source, widest with { Rows = widest.SequencesOfRow, SupervisedTokens = (widest.SupervisedTokens + batch - 1) / batch });
        if (Fits(least)) yield return FormattableString.Invariant($"--method qlora --batch 1 --accumulate {settings.Optimization.Accumulate * settings.Optimization.Batch}{again}");
    }

    private IEnumerable<string> Methods(Func<RunPlanner, bool> fits, string again)
    {
        var optimization = settings.Optimization;
        if (!optimization.Paged && fits(With(settings with { Optimization = optimization with { Paged = true } }))) yield return $"--paged{again}";
        foreach (var method in (string[])["lora", "qlora"])
            if (settings.Adapter.Method is var current && current != method && current != "qlora" && fits(With(settings with { Adapter = settings.Adapter with { Method = method } }))) yield return $"--method {method}{again}";
    }

    private RunPlanner With(Func<WidestBatch, WidestBatch> change) => new(settings, source, change(widest));

    private RunPlanner With(TrainSettings changed) => new(changed, source, widest);

    private AdapterShape? Adapter() => settings.Adapter.Method == "full" ? null
        : AdapterShape.Of(source.Shape, settings.Adapter.Adapter is { } folder ? AdapterConfig.Load(folder) : settings.Adapter.ToConfig(), freezesA: settings.Optimization.Optimizer == "lorafa");

    private TrainingRecipe Recipe() => settings.Adapter.Method == "full" ? TrainingRecipe.FullFp32
        : source.FourBit is { } form ? (form.DoubleQuantization ? TrainingRecipe.QloraDouble : TrainingRecipe.Qlora)
        : settings.Adapter.Method == "qlora" ? (settings.Adapter.DoubleQuant ? TrainingRecipe.QloraDouble : TrainingRecipe.Qlora)
        : TrainingRecipe.Lora;
}
