using LowRank.Adapters;
using LowRank.Layers;
using LowRank.Models;
using LowRank.Optimizers;
using LowRank.Training.Data;
using LowRank.Training.Methods;
using LowRank.Training.Planning;

namespace LowRank.Training.Guards;

/// <summary>What guards may know of a run: settings, sizes of the model, the data, the plan. They read it and change nothing.</summary>
internal sealed record GuardedRun
{
    /// <summary>lora, qlora or full.</summary>
    public required string Method { get; init; }

    /// <summary>Whether preferences are learned.</summary>
    public bool LearnsPreferences { get; init; }

    /// <summary>The peak learning rate.</summary>
    public required double LearningRate { get; init; }

    /// <summary>The learning rate of B over that of A: LoRA+, else 1.</summary>
    public double RateRatio { get; init; } = 1;

    /// <summary>Width of the model.</summary>
    public required long HiddenSize { get; init; }

    /// <summary>Parameters of the base.</summary>
    public required long BaseParameters { get; init; }

    /// <summary>Parameters that are trained.</summary>
    public required long TrainableParameters { get; init; }

    /// <summary>Those of them that are weights of the base, trained whole, not pairs of small matrices.</summary>
    public long WholeParameters { get; init; }

    /// <summary>The adapted modules; none with full fine-tuning.</summary>
    public IReadOnlyList<AdapterTarget> Targets { get; init; } = [];

    /// <summary>The names of the query and value projections of the adapted family, as endings.</summary>
    public IReadOnlyList<string> QueryAndValue { get; init; } = [];

    /// <summary>Whether the scaling is alpha/√r.</summary>
    public bool UsesRslora { get; init; }

    /// <summary>What is learned.</summary>
    public required IReadOnlyList<Example> Examples { get; init; }

    /// <summary>What is held out.</summary>
    public IReadOnlyList<Example> Validation { get; init; } = [];

    /// <summary>Supervised tokens of all examples.</summary>
    public long SupervisedTokens { get; init; }

    /// <summary>The planned peak of memory in bytes, without what can be paged out; null where nothing was planned.</summary>
    public long? NeededBytes { get; init; }

    /// <summary>What the process may use in all, in bytes; null where nobody asked.</summary>
    public long? UsableBytes { get; init; }

    /// <summary>How the optimizer keeps its moments.</summary>
    public OptimizerKind Optimizer { get; init; }

    /// <summary>Whether its moments can leave memory.</summary>
    public bool IsPaged { get; init; }

    /// <summary>Bytes of memory for so many trained parameters: values and gradients in fp32, and the moments.</summary>
    public long StateBytes(long elements) => 2 * sizeof(float) * elements + OptimizerFootprint.Of(Optimizer, IsPaged, elements).ResidentBytes;

    /// <summary>The model; null in tests of guards that look at numbers only.</summary>
    public LanguageModel? Model { get; init; }

    /// <summary>Whether the base must stay as it is.</summary>
    public bool FreezesBase => Method != "full";

    /// <summary>Whether the plan, with less taken by this many bytes, leaves too little of the memory free.</summary>
    public bool ExceedsMemory(long saved = 0) => NeededBytes is { } planned && UsableBytes is { } usable && planned - saved > MemoryBudget.UsableShare * usable;

    /// <summary>The view of a run that is set up.</summary>
    public static GuardedRun Of(TrainedWeights weights, IReadOnlyList<Example> examples, IReadOnlyList<Example> validation, TrainerOptions options)
    {
        var (model, selection) = (weights.Model, (weights as LoraWeights)?.Adapter.Selection);
        var trained = weights.Parameters.Sum(p => p.Count);
        return new GuardedRun
        {
            Method = weights.Method,
            LearnsPreferences = options.Objective.IsPreference,
            LearningRate = options.LearningRate,
            RateRatio = options.Plus?.Ratio ?? 1,
            HiddenSize = model.Decoder.Spec.HiddenSize,
            BaseParameters = model.ParameterCount,
            TrainableParameters = trained,
            WholeParameters = selection is null ? trained : weights.Parameters.Where(p => !IsPair(p)).Sum(p => p.Count),
            Targets = selection?.Targets ?? [],
            QueryAndValue = selection is null ? [] : TargetPresets.Expand("qv", model.Decoder.Slots.Describe()),
            UsesRslora = selection?.Config is LoraConfig { UseRslora: true },
            Examples = examples,
            Validation = validation,
            SupervisedTokens = examples.Sum(e => (long)e.SupervisedTokens),
            NeededBytes = options.NeededBytes,
            UsableBytes = options.UsableBytes,
            Optimizer = options.Optimizer.Kind,
            IsPaged = options.Optimizer.Paging is not null,
            Model = model,
        };
    }

    private static bool IsPair(TrainableParameter parameter) => AdapterKeys.Parse(parameter.Name).Kind is not (AdapterTensorKind.Saved or AdapterTensorKind.BaseBias);
}
