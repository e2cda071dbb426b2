using LowRank.Adapters;
using LowRank.Models;
using LowRank.Training.Data;
using LowRank.Training.Packing;

namespace LowRank.Training.Objectives.Preferences;

/// <summary>
/// What the base model without its adapter thinks of preferences: the reference of DPO, for which no second model is loaded. A pair is computed when it is first met and kept, two
/// numbers of it, to the end of the run: one forward pass of the base a pair, however many epochs there are. It is computed by itself and not with its batch, so that its numbers do
/// not depend on what it stands beside, and a resumed run, which computes them anew, has the same.
/// </summary>
internal sealed class ReferenceLogProbabilities(LanguageModel model, AttachedAdapter adapter, IReadOnlyList<Example> examples, int padTokenId)
{
    private readonly (double Chosen, double Rejected)?[] known = new (double, double)?[examples.Count];

    /// <summary>The summed log-probabilities of both answers.</summary>
    /// <param name="example">The pair, by its number among the examples.</param>
    public (double Chosen, double Rejected) Of(int example)
    {
        if (known[example] is { } found) return found;
        var pair = BatchAssembler.Assemble(examples, [[example]], padTokenId, 1);
        using (adapter.Disable())
        {
            var losses = CausalLoss.EvaluateEach(model.Decoder, pair);
            known[example] = (-losses[0], -losses[1]);
        }
        return known[example]!.Value;
    }
}
