using LowRank.Models.Decoder;
using LowRank.Training.Data;
using LowRank.Training.Methods;
using LowRank.Training.Objectives.Kto;
using LowRank.Training.Objectives.Preferences;
using LowRank.Training.Packing;

namespace LowRank.Training.Objectives;

/// <summary>
/// The seam between a batch and its loss: all that the loop knows of what is learned. A step's loss is a sum over terms (supervised tokens, pairs, or judged answers) divided by those of all its
/// micro-batches, so that accumulated gradients equal those of one large batch.
/// </summary>
internal abstract class Objective(TrainerOptions options)
{
    /// <summary>Settings of the run.</summary>
    protected TrainerOptions Options { get; } = options;

    /// <summary>The objective of a run.</summary>
    /// <exception cref="LowRankException">The examples or the weights are none for it.</exception>
    public static Objective Of(TrainedWeights weights, IReadOnlyList<Example> examples, IReadOnlyList<Example> validation, TrainerOptions options)
    {
        options.Objective.Validate();
        if (options.Objective.Kind == ObjectiveKind.Kto) return KtoObjective.Of(weights, examples, validation, options);
        if (options.Objective.IsPreference) return PreferenceObjective.Of(weights, examples, validation, options);
        if (examples.FirstOrDefault(e => e.Rejected is not null) is { } pair)
            throw new LowRankException($"{pair.Row?.Place ?? "An example"} is a preference: train on it with DPO, ORPO or SimPO.");
        if (examples.FirstOrDefault(e => e.IsGood is not null) is { } judged)
            throw new LowRankException($"{judged.Row?.Place ?? "An example"} is a judged answer: train on it with KTO.");
        return new SupervisedObjective(weights.Model, options);
    }

    /// <summary>What the sums of a step are divided by. Asked for once a step, before its first micro-batch: KTO looks at the whole step here, without gradients.</summary>
    /// <param name="step">Its micro-batches.</param>
    public abstract StepTotals Totals(IReadOnlyList<Batch> step);

    /// <summary>The summed loss of a micro-batch; its share of the step's gradient is added to those of the parameters.</summary>
    public abstract BatchLoss Backward(Batch batch, StepPlace place);

    /// <summary>The mean loss on held-out examples, without smoothing or noise.</summary>
    public abstract BatchLoss Evaluate(IReadOnlyList<Example> examples, BatchOptions batches);

    /// <summary>The noise of a micro-batch, or null without any.</summary>
    protected EmbeddingNoise? Noise(StepPlace place) => Options.Objective.NeftuneAlpha is > 0 and var alpha ? new EmbeddingNoise(alpha, Options.Seed, place.Step, place.MicroBatch) : null;
}
