using LowRank.Adapters;
using LowRank.Models;
using LowRank.Training.Data;
using LowRank.Training.Methods;
using LowRank.Training.Packing;

namespace LowRank.Training.Objectives.Preferences;

/// <summary>
/// What the base model without its adapter thinks of answers: the reference of DPO and KTO, for which no second model is loaded. An example is computed when it is first met and kept, a
/// number for each of its answers, to the end of the run: one forward pass of the base an example, however many epochs there are. It is computed by itself and not with its batch, so that
/// its numbers do not depend on what it stands beside, and a resumed run, which computes them anew, has the same.
/// </summary>
internal sealed class ReferenceLogProbabilities(LanguageModel model, AttachedAdapter adapter, IReadOnlyList<Example> examples, int padTokenId)
{
    private readonly (double Chosen, double Rejected)?[] known = new (double, double)?[examples.Count];

    /// <summary>The adapter of a run, which can be switched off to show the reference.</summary>
    /// <param name="weights">What is trained.</param>
    /// <param name="objective">Who compares with it.</param>
    /// <exception cref="LowRankException">There is no base left to compare with.</exception>
    public static AttachedAdapter AdapterOver(TrainedWeights weights, string objective) => weights is LoraWeights { Adapter: { CanShowBase: true } adapter } ? adapter
        : throw new LowRankException($"{objective} compares with the base model, which is the trained one without its adapter: full fine-tuning, trained biases and modules that are saved whole leave no base to compare with. Take --method lora or qlora without --bias and --modules-to-save, or an objective without a reference: --objective orpo or simpo.");

    /// <summary>The summed log-probabilities of both answers of a pair; of a single answer, it and 0.</summary>
    /// <param name="example">The example, by its number.</param>
    public (double Chosen, double Rejected) Of(int example)
    {
        if (known[example] is { } found) return found;
        var alone = BatchAssembler.Assemble(examples, [[example]], padTokenId, 1);
        using (adapter.Disable())
        {
            var losses = CausalLoss.EvaluateEach(model.Decoder, alone);
            known[example] = (-losses[0], losses.Length > 1 ? -losses[1] : 0);
        }
        return known[example]!.Value;
    }
}
