using LowRank.Autograd;
using LowRank.Models.Decoder;
using LowRank.Training.Packing;
using static TorchSharp.torch;

namespace LowRank.Training.SideBySide;

/// <summary>The next-token loss of several batches in one pass: the base is multiplied once for all rows, while each batch has a loss, and a factor of its gradient, of its own.</summary>
internal static class SideBySideLoss
{
    /// <summary>The summed loss of each batch, with its factor times its gradient added to those of the parameters that its rows use.</summary>
    /// <param name="model">The model; the route of its rows is chosen already, batch after batch.</param>
    /// <param name="batches">The batches.</param>
    /// <param name="scales">For each batch one by the supervised tokens of its effective batch.</param>
    /// <param name="padTokenId">Fills rows that are shorter than the longest.</param>
    /// <param name="checkpointedLayers">How many layers compute their activations again in the backward pass.</param>
    public static double[] Backward(CausalLM model, IReadOnlyList<Batch> batches, IReadOnlyList<double> scales, int padTokenId, int checkpointedLayers)
    {
        using var scope = NewDisposeScope();
        var all = BatchStack.Of(batches, padTokenId);
        using var input = all.IsPacked ? DecoderInput.Packed(all.InputIds, all.Positions, all.SequenceIds, all.Rows, model.Device) : DecoderInput.Padded(all.InputIds, all.Rows, model.Device);
        var losses = new double[batches.Count];
        using var pass = model.Train(input, checkpointedLayers);
        var hidden = pass.Hidden.view(-1, model.Spec.HiddenSize);
        var (states, gradients) = (new List<Tensor>(), new List<Tensor>());
        var row = 0;
        for (var i = 0; i < batches.Count; row += batches[i++].Rows)
        {
            var (places, targets) = Supervised(all, row, batches[i].Rows);
            if (targets.Length == 0) continue;
            var own = hidden.index_select(0, tensor(places, device: model.Device));
            (losses[i], var gradient) = ChunkedCrossEntropy.LossAndGradient(own, tensor(targets, device: model.Device), model.Spec.VocabularySize, model.Logits, scales[i]);
            states.Add(own);
            gradients.Add(gradient);
        }
        if (states.Count > 0) pass.Backward(cat(states, 0), cat(gradients, 0));
        return losses;
    }

    // Where the predicting states of some rows stand in the flattened batch, and what they are to predict.
    private static (long[] Places, long[] Targets) Supervised(Batch batch, int from, int rows)
    {
        var (places, targets) = (new List<long>(), new List<long>());
        for (var row = from; row < from + rows; row++)
            for (var t = 0; t + 1 < batch.Length; t++)
            {
                var at = row * batch.Length + t;
                if (batch.Labels[at + 1] == Batch.IgnoredLabel) continue;
                places.Add(at);
                targets.Add(batch.Labels[at + 1]);
            }
        return ([.. places], [.. targets]);
    }
}
