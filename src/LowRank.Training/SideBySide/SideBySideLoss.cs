using LowRank.Autograd;
using LowRank.Models.Decoder;
using LowRank.Training.Objectives;
using LowRank.Training.Packing;
using static TorchSharp.torch;

namespace LowRank.Training.SideBySide;

/// <summary>The next-token loss of several batches in one pass: the base is multiplied once for all rows, while each batch has a loss, and a factor of its gradient, of its own.</summary>
internal static class SideBySideLoss
{
    /// <summary>The summed loss of each batch, with its factor times its gradient added to those of the parameters that its rows use.</summary>
    /// <param name="model">The model.</param>
    /// <param name="batches">The batches.</param>
    /// <param name="scales">For each batch one by the supervised tokens of its effective batch.</param>
    /// <param name="route">Is told how many rows of the pass each batch has, before it begins.</param>
    /// <param name="padTokenId">Fills rows that are shorter than the longest.</param>
    /// <param name="checkpointedLayers">How many layers compute their activations again in the backward pass.</param>
    public static double[] Backward(CausalLM model, IReadOnlyList<Batch> batches, IReadOnlyList<double> scales, Action<int[]> route, int padTokenId, int checkpointedLayers)
    {
        using var scope = NewDisposeScope();
        var all = BatchStack.Of(batches, padTokenId);
        var (tokens, losses) = (BatchTokens.Of(all), new double[batches.Count]);
        if (tokens.Targets.Length == 0) return losses;
        using var input = BatchInput.Of(model, batches, all, padTokenId);
        route(input.Rows);
        using var pass = model.Train(input.Decoder, checkpointedLayers);
        var (states, targets) = (input.At(pass.Hidden, tokens), tensor(tokens.Targets, device: model.Device));
        var gradients = new List<Tensor>();
        // Tokens stand in the order of their rows.
        for (int i = 0, first = 0; i < batches.Count; first += batches[i++].SupervisedTokens)
        {
            var count = batches[i].SupervisedTokens;
            if (count == 0) continue;
            (losses[i], var gradient) = ChunkedCrossEntropy.LossAndGradient(states.narrow(0, first, count), targets.narrow(0, first, count), model.Spec.VocabularySize, model.Logits, scales[i]);
            gradients.Add(gradient);
        }
        pass.Backward(states, cat(gradients, 0));
        return losses;
    }
}
