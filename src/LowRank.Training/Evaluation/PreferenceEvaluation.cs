using LowRank.Models;
using LowRank.Training.Data;
using LowRank.Training.Evaluation.Statistics;
using LowRank.Training.Objectives;
using LowRank.Training.Packing;

namespace LowRank.Training.Evaluation;

/// <summary>
/// How a model judges preferences: how often the better answer is the likelier one, by the sum of its tokens' log-probabilities; and with an adapter, how often its reward leads: how much
/// likelier than to the base it has become. The loss is that of the better answers.
/// </summary>
internal static class PreferenceEvaluation
{
    public static EvaluationResult Run(LanguageModel model, IReadOnlyList<Example> pairs, BatchOptions batches, Action<int>? progress, CancellationToken cancellation)
    {
        var adapter = model.Adapter is { CanShowBase: true, IsShown: true } shown ? shown : null;
        var (own, tokens) = (new double[pairs.Count], new double[pairs.Count]);
        var (likelier, rewarded) = (new double[pairs.Count], adapter is null ? null : new double[pairs.Count]);
        var done = 0;
        foreach (var batch in EpochSampler.OneEpoch(pairs, batches with { Shuffle = false }))
        {
            cancellation.ThrowIfCancellationRequested();
            var losses = CausalLoss.EvaluateEach(model.Decoder, batch);
            double[]? reference = null;
            if (adapter is not null)
                using (adapter.Disable()) reference = CausalLoss.EvaluateEach(model.Decoder, batch);
            for (var p = 0; p < batch.Pairs; p++)
            {
                var (pair, other) = (batch.Examples[p], batch.Pairs + p);
                (own[pair], tokens[pair]) = (losses[p], pairs[pair].SupervisedTokens);
                likelier[pair] = losses[p] < losses[other] ? 1 : 0;
                if (reference is not null) rewarded![pair] = reference[p] - losses[p] > reference[other] - losses[other] ? 1 : 0;
            }
            progress?.Invoke(done += batch.Pairs);
        }
        return new EvaluationResult
        {
            Loss = own.Sum() / Math.Max(1, tokens.Sum()),
            SupervisedTokens = (long)tokens.Sum(),
            Rows = pairs.Count,
            Accuracy = likelier.Average(),
            RewardAccuracy = rewarded?.Average(),
            Figures = [new Figure("loss", own, tokens), new Figure("accuracy", likelier), .. rewarded is null ? (Figure[])[] : [new Figure("reward_accuracy", rewarded)]],
        };
    }
}
