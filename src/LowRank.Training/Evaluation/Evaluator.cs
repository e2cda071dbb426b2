using LowRank.Models;
using LowRank.Training.Data;
using LowRank.Training.Objectives;
using LowRank.Training.Packing;

namespace LowRank.Training.Evaluation;

/// <summary>Measures a model on held-out data.</summary>
public static class Evaluator
{
    /// <summary>The loss per supervised token, each token counted alike whatever row or batch it stands in.</summary>
    /// <param name="model">The model, with its adapter if it has one.</param>
    /// <param name="examples">The examples; at least one.</param>
    /// <param name="batches">How they become batches; the result does not depend on it beyond rounding.</param>
    /// <param name="progress">Is told examples done.</param>
    public static EvaluationResult Loss(LanguageModel model, IReadOnlyList<Example> examples, BatchOptions batches, Action<int>? progress = null)
    {
        var (loss, tokens, done) = (0.0, 0L, 0);
        foreach (var batch in EpochSampler.OneEpoch(examples, batches with { Shuffle = false }))
        {
            loss += CausalLoss.Evaluate(model.Decoder, batch);
            tokens += batch.SupervisedTokens;
            progress?.Invoke(done += batch.Examples.Count);
        }
        return new EvaluationResult { Loss = loss / Math.Max(1, tokens), SupervisedTokens = tokens, Rows = examples.Count };
    }
}
