using System.Globalization;
using LowRank.Runtime;
using LowRank.Runtime.Memory;
using LowRank.Training.Planning.Shapes;
using LowRank.Training.Planning.Sources;
using TorchSharp;

namespace LowRank.Training.Planning.Reports;

/// <summary>Makes the plan that <c>lowrank plan</c> prints.</summary>
public sealed class Planner
{
    /// <summary>Tokens of a row where neither a length nor data are given.</summary>
    private const int DefaultLength = 512;

    /// <summary>The longest row that is kept without a setting, as in training.</summary>
    private const int LongestByDefault = 2048;

    private readonly ModelSource source;
    private readonly PlanSettings settings;
    private readonly DeviceMemory? device;
    private readonly string dtype;

    private Planner(ModelSource source, PlanSettings settings)
    {
        (this.source, this.settings) = (source, settings);
        device = settings.Device is { } name ? DeviceMemory.Find(name) : null;
        (Memory, MemoryOrigin) = MemoryOf(settings.Memory, device);
        dtype = settings.Dtype ?? device?.Dtype ?? "fp32";
        Ranks = RanksOf(settings.Rank);
    }

    private long Memory { get; }

    private string MemoryOrigin { get; }

    private IReadOnlyList<int> Ranks { get; }

    private int Length { get; set; }

    // The share of tokens that is learned, where it is known.
    private double? share;

    // A pair is two sequences of the batch. What the reference says of them is computed before the recorded pass, without gradients, and needs less than it.
    private int SequencesOfRow => settings.Objective is "dpo" or "orpo" or "simpo" ? 2 : 1;

    private long Usable => (long)(Memory * PlanReport.UsableShare);

    /// <summary>Plans a model.</summary>
    /// <param name="source">The model.</param>
    /// <param name="settings">What is asked.</param>
    /// <param name="cancellation">Stops the work.</param>
    /// <exception cref="LowRankException">A setting or the data cannot be used.</exception>
    public static PlanReport Plan(ModelSource source, PlanSettings settings, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(settings);
        return new Planner(source, settings).Plan(cancellation);
    }

    private PlanReport Plan(CancellationToken cancellation)
    {
        var data = DataOf(cancellation);
        share = data?.Statistics?.SupervisedShare;
        Length = settings.Length ?? data?.LongestRow ?? (int)Math.Min(DefaultLength, source.Shape.MaxPositions);
        if (data is null && settings.Tokens is { } tokens) data = new PlannedData(null, tokens, PlannedData.AssumedShare, null, "--tokens", null);
        if (data is null && settings.Examples is { } examples) data = new PlannedData(examples, examples * Length, PlannedData.AssumedShare, Length, string.Create(CultureInfo.InvariantCulture, $"--examples of {Length} tokens"), null);
        var adapters = Ranks.Select(rank => (Rank: rank, Shape: Adapter(rank))).ToList();
        var rows = Rows(adapters).ToList();
        var plan = new PlanReport
        {
            Model = source,
            Parameters = source.Shape.Parameters,
            MemoryBytes = Memory,
            MemoryOrigin = MemoryOrigin,
            Batch = settings.Batch,
            Objective = settings.Objective,
            SequencesOfRow = SequencesOfRow,
            Length = Length,
            Dtype = dtype,
            Target = settings.Target,
            TargetModules = adapters[0].Shape.Selection.Config.TargetModules?.ToString() ?? "",
            Adapters = [.. adapters.Select(a => new AdapterRow(a.Rank, a.Shape.TrainableParameters, source.Shape.Parameters + a.Shape.AddedParameters, a.Shape.PercentOf(source.Shape),
                a.Shape.TrainableParameters * 16, a.Shape.TrainableParameters * sizeof(float)))],
            Rows = rows,
            Largest = [.. TrainingRecipe.All.Select(recipe => Largest(recipe, recipe.IsFull ? null : adapters[0].Shape, recipe.IsFull ? null : adapters[0].Rank))],
            Data = data,
            Time = data is null || device is not null ? null : PlannedTime.Of(source.Shape, data, settings.Epochs, data.Examples is { } count ? (double)data.Tokens / count : Length, settings.Gflops ?? GemmPeak.EstimateGflops(), ForwardEpochs),
            Advice = [],
        };
        return plan with { Advice = PlanAdvice.Of(plan, Predict) };
    }

    // Passes over the data without gradients: the reference looks at each answer once in a run, and KTO puts answers behind other prompts before each step, for the model and for the reference.
    private double ForwardEpochs => settings.Objective switch { "dpo" => 1, "kto" => 1 + 2 * settings.Epochs, _ => 0 };

    private PlannedData? DataOf(CancellationToken cancellation) =>
        settings.Data is { } path ? PlannedData.Of(path, source, settings.Length ?? LongestByDefault, cancellation) : null;

    private AdapterShape Adapter(int rank) => AdapterShape.Of(source.Shape, rank, settings.Target);

    private IEnumerable<PlanRow> Rows(IReadOnlyList<(int Rank, AdapterShape Shape)> adapters)
    {
        foreach (var recipe in TrainingRecipe.All)
            foreach (var (rank, shape) in recipe.IsFull ? [(0, (AdapterShape?)null)] : adapters.Select(a => (a.Rank, (AdapterShape?)a.Shape)))
                foreach (var checkpointing in (bool[])[false, true])
                {
                    var plan = Predict(source.Shape, recipe, shape, settings.Batch, Length, checkpointing);
                    yield return new PlanRow(recipe, shape is null ? null : rank, checkpointing, shape?.TrainableParameters ?? source.Shape.Parameters, plan, plan.Total <= Usable);
                }
    }

    private MemoryPlan Predict(ModelShape model, TrainingRecipe recipe, AdapterShape? adapter, long batch, long length, bool checkpointing) => MemoryPlanner.Predict(model, new PlannedRun
    {
        Recipe = recipe,
        Adapter = adapter,
        Rows = batch * SequencesOfRow,
        Length = length,
        CheckpointedLayers = checkpointing ? model.Layers : 0,
        ComputeBytes = PlannedRun.ActivationBytes(dtype),
        ProductBytes = PlannedRun.OperandBytes(dtype, recipe.IsFull),
        // The 16-bit recipes say so themselves; adapters stand on the base as the checkpoint has it, other models have 16 bits.
        StoredBytes = recipe.IsFull || model != source.Shape ? 2 : source.StoredBytes,
        SupervisedTokens = share is { } learned ? (long)Math.Ceiling(batch * SequencesOfRow * length * learned) : null,
        Runtime = device is null ? null : DeviceMemory.Context,
    });

    private LargestRow Largest(TrainingRecipe recipe, AdapterShape? adapter, int? rank)
    {
        long Batch(bool checkpointing) => Most(1 << 20, n => Predict(source.Shape, recipe, adapter, n, Length, checkpointing).Total <= Usable);
        long Rows(bool checkpointing) => Most(source.Shape.MaxPositions, n => Predict(source.Shape, recipe, adapter, settings.Batch, n, checkpointing).Total <= Usable);
        return new(recipe, rank, Batch(false), Batch(true), Rows(false), Rows(true));
    }

    // The largest number up to a limit that passes, found by halving: more of it never needs less memory. 0 where none does.
    private static long Most(long limit, Func<long, bool> fits)
    {
        var (low, high) = (0L, limit);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (fits(middle)) low = middle;
            else high = middle - 1;
        }
        return low;
    }

    /// <summary>The memory to plan for, and where the figure comes from.</summary>
    internal static (long Bytes, string Origin) MemoryOf(string? memory, DeviceMemory? device)
    {
        if (memory is { } text) return (MemorySize.Parse(text, "--memory"), "--memory");
        if (device is not null) return (device.Bytes, device.Title);
        return (MachineMemory.Read().UsableBytes, "free on this machine");
    }

    private static int[] RanksOf(string text)
    {
        var ranks = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(r => int.TryParse(r, NumberStyles.None, CultureInfo.InvariantCulture, out var rank) && rank > 0 ? rank : throw new LowRankException($"--rank: \"{r}\" is no rank; give whole numbers by comma, such as 8,16,32,64.")).Distinct().ToArray();
        return ranks.Length > 0 ? ranks : throw new LowRankException("--rank: no rank is given; give whole numbers by comma, such as 8,16,32,64.");
    }
}
