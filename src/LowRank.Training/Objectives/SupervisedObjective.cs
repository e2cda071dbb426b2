using LowRank.Models;
using LowRank.Training.Data;
using LowRank.Training.Evaluation;
using LowRank.Training.Packing;

namespace LowRank.Training.Objectives;

/// <summary>The next token of supervised text.</summary>
internal sealed class SupervisedObjective(LanguageModel model, TrainerOptions options) : Objective(options)
{
    public override StepTotals Totals(IReadOnlyList<Batch> step) => new(step.Sum(b => (long)b.SupervisedTokens));

    public override BatchLoss Backward(Batch batch, StepPlace place) =>
        new(CausalLoss.Backward(model.Decoder, batch, 1.0 / Math.Max(1, place.Totals.Terms), Options.CheckpointedLayers, Options.Objective.LabelSmoothing, Noise(place)));

    public override BatchLoss Evaluate(IReadOnlyList<Example> examples, BatchOptions batches) => new(Evaluator.Loss(model, examples, batches).Loss);
}
