using LowRank.Adapters;

namespace LowRank.Training.Planning.Shapes;

/// <summary>The size of an adapter on a model, chosen from names as PEFT does and counted as its <c>print_trainable_parameters</c> does.</summary>
public sealed record AdapterShape
{
    private AdapterShape(TargetSelection selection, IReadOnlyList<AdaptableModule> modules, long expertsPerToken, IReadOnlyList<long> tensors, IReadOnlyList<long> trained, long biases)
    {
        (Selection, Tensors, TrainedTensors, AddedParameters, TrainableParameters) = (selection, tensors, trained, tensors.Sum(), trained.Sum() + biases);
        var experts = selection.Targets.Where(t => t.Module.Kind == ModuleKind.Experts).Select(t => t.Module.Name).ToHashSet(StringComparer.Ordinal);
        Targets = selection.Targets.Select(t => t.Module.Name).Concat(modules.Where(m => m.PartOf is { } whole && experts.Contains(whole)).Select(m => m.Name)).ToHashSet(StringComparer.Ordinal);
        // Of experts, a token passes some, through each layer that shares the matrices.
        long Kept(AdapterTarget target) => target.Rank * (target.Module.Kind != ModuleKind.Experts ? 1 : expertsPerToken * modules.Count(m => m.PartOf == target.Module.Name) / target.Module.Experts);
        TotalRank = selection.Targets.Sum(Kept) * (StartsFromWeight ? 2 : 1);
    }

    /// <summary>The modules that are adapted or trained whole, with their ranks.</summary>
    public TargetSelection Selection { get; }

    /// <summary>Elements of each tensor that comes to the model.</summary>
    public IReadOnlyList<long> Tensors { get; }

    /// <summary>Elements of each of them that is trained: all, but with LoRA-FA not the matrices A.</summary>
    internal IReadOnlyList<long> TrainedTensors { get; }

    /// <summary>Whether the matrices A are not trained, so that no input is kept for their gradients.</summary>
    internal bool FreezesA => TrainedTensors.Count < Tensors.Count;

    /// <summary>Parameters that come to the model: those of the adapted modules, and copies of what is trained whole.</summary>
    public long AddedParameters { get; }

    /// <summary>Parameters that are trained.</summary>
    public long TrainableParameters { get; }

    /// <summary>Sum of the ranks over all adapted modules: what is kept between A and B, by token. Twice, where what they started from is subtracted beside them.</summary>
    public long TotalRank { get; }

    /// <summary>Elements that lie beside A and B where these started from the weight: what they started from, and in each module both pairs as one for its products.</summary>
    internal long InitialElements => StartsFromWeight ? 3 * Tensors.Take(2 * Selection.Targets.Count).Sum() : 0;

    private bool StartsFromWeight => Selection.Config is LoraConfig { StartsFromWeight: true };

    /// <summary>Names of the adapted modules, those of experts with their own names too.</summary>
    public IReadOnlySet<string> Targets { get; }

    /// <summary>Sizes of a LoRA of a rank on some modules.</summary>
    /// <param name="model">The model.</param>
    /// <param name="rank">The rank.</param>
    /// <param name="target">The modules, as <c>--target</c> takes them.</param>
    /// <exception cref="LowRankException">The targets are not written in a known way, or match nothing.</exception>
    public static AdapterShape Of(ModelShape model, int rank, string target) => Of(model, new LoraConfig { Rank = rank, Alpha = rank, TargetModules = ModulePattern.Parse(target) });

    /// <summary>Sizes of an adapter of this configuration.</summary>
    /// <exception cref="LoraConfigException">A target matches nothing; all problems are listed.</exception>
    public static AdapterShape Of(ModelShape model, AdapterConfig config) => Of(model, config, freezesA: false);

    /// <summary>The same, where the matrices A of a LoRA may stay as they are.</summary>
    internal static AdapterShape Of(ModelShape model, AdapterConfig config, bool freezesA)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(config);
        var modules = model.Modules();
        var selection = TargetMatcher.Select(config, modules, model.ModelType);
        List<long> tensors = [], trained = [], others = [];
        var method = AdapterMethod.Of(selection.Config);
        foreach (var (kind, shape) in selection.Targets.Where(t => t.TiedTo is null).SelectMany(method.Tensors))
        {
            tensors.Add(shape.Aggregate(1L, (a, b) => a * b));
            if (!freezesA || kind != AdapterTensorKind.LoraA) trained.Add(tensors[^1]);
        }
        foreach (var t in selection.Tokens.Where(t => t.TiedTo is null))
            others.Add(t.Tokens.Count * (t.Module.Kind == ModuleKind.Embedding ? t.Module.OutFeatures : t.Module.InFeatures));
        foreach (var saved in selection.ModulesToSave.Where(s => s.TiedTo is null).Select(s => s.Module))
        {
            others.Add(saved.Kind == ModuleKind.Other ? saved.OutFeatures : saved.InFeatures * saved.OutFeatures);
            if (saved.HasBias) others.Add(saved.OutFeatures);
        }
        var biases = config.Bias switch
        {
            BiasTraining.All => model.LinearBiases + model.NormBiases,
            BiasTraining.LoraOnly => selection.Targets.Sum(t => t.Module.HasBias ? t.Module.OutFeatures : 0),
            _ => 0,
        };
        return new AdapterShape(selection, modules, model.ExpertsPerToken, [.. tensors, .. others], [.. trained, .. others], biases);
    }

    /// <summary>Trainable parameters in percent of all, with four decimals, as PEFT prints it.</summary>
    /// <param name="model">The model.</param>
    public double PercentOf(ModelShape model) => Math.Round(100.0 * TrainableParameters / (model.Parameters + AddedParameters), 4);
}
