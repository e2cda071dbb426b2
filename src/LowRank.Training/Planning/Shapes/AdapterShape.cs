using LowRank.Adapters;

namespace LowRank.Training.Planning.Shapes;

/// <summary>The size of a LoRA on a model, chosen from names as PEFT does and counted as its <c>print_trainable_parameters</c> does.</summary>
public sealed record AdapterShape
{
    private AdapterShape(TargetSelection selection, long added, long trainable)
    {
        (Selection, AddedParameters, TrainableParameters) = (selection, added, trainable);
        Targets = selection.Targets.Select(t => t.Module.Name).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>The modules that are adapted or trained whole, with their ranks.</summary>
    public TargetSelection Selection { get; }

    /// <summary>Parameters that come to the model: A, B, biases of B, and copies of modules that are trained whole.</summary>
    public long AddedParameters { get; }

    /// <summary>Parameters that are trained.</summary>
    public long TrainableParameters { get; }

    /// <summary>Sum of the ranks over all adapted modules: what is kept between A and B, by token.</summary>
    public long TotalRank => Selection.Targets.Sum(t => (long)t.Rank);

    /// <summary>Names of the adapted modules.</summary>
    public IReadOnlySet<string> Targets { get; }

    /// <summary>Sizes of an adapter of this configuration.</summary>
    /// <exception cref="LoraConfigException">A target matches nothing; all problems are listed.</exception>
    public static AdapterShape Of(ModelShape model, LoraConfig config)
    {
        ArgumentNullException.ThrowIfNull(model);
        return Of(TargetMatcher.Select(config, model.Modules(), model.ModelType));
    }

    /// <summary>Sizes of what a configuration has chosen.</summary>
    public static AdapterShape Of(TargetSelection selection)
    {
        ArgumentNullException.ThrowIfNull(selection);
        long pairs = selection.Targets.Where(t => t.TiedTo is null).Sum(t => t.Rank * (t.Module.InFeatures + t.Module.OutFeatures) + (selection.Config.LoraBias ? t.Module.OutFeatures : 0));
        long saved = selection.ModulesToSave.Where(s => s.TiedTo is null).Sum(s => s.Module.Kind == ModuleKind.Other ? s.Module.OutFeatures
            : s.Module.InFeatures * s.Module.OutFeatures + (s.Module.HasBias ? s.Module.OutFeatures : 0));
        return new AdapterShape(selection, pairs + saved, pairs + saved);
    }

    /// <summary>Trainable parameters in percent of all, with four decimals, as PEFT prints it.</summary>
    /// <param name="model">The model.</param>
    public double PercentOf(ModelShape model) => Math.Round(100.0 * TrainableParameters / (model.Parameters + AddedParameters), 4);
}
