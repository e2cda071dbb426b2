using LowRank.Autograd;
using LowRank.Models.Decoder;
using LowRank.Training.Packing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Objectives;

/// <summary>
/// The next-token loss of a batch. This is the one place where labels are shifted: the state at token t is compared with the label at t + 1.
/// Losses are sums over supervised tokens; whoever calls divides by the tokens of the whole effective batch.
/// </summary>
public static class CausalLoss
{
    /// <summary>The summed loss of a batch, with <paramref name="scale"/> times its gradient added to those of the model's trained parameters.</summary>
    /// <param name="model">The model.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="scale">One by the number of supervised tokens of the effective batch, so that accumulated gradients equal those of one large batch.</param>
    /// <param name="checkpointedLayers">How many layers compute their activations again in the backward pass instead of keeping them.</param>
    public static double Backward(CausalLM model, Batch batch, double scale, int checkpointedLayers = 0)
    {
        using var scope = NewDisposeScope();
        using var input = Input(batch, model.Device);
        var (places, targets) = Supervised(batch);
        if (targets.Length == 0) return 0;
        using var pass = model.Train(input, checkpointedLayers);
        var states = pass.Hidden.view(-1, model.Spec.HiddenSize).index_select(0, tensor(places, device: model.Device));
        var (loss, gradient) = ChunkedCrossEntropy.LossAndGradient(states, tensor(targets, device: model.Device), model.Spec.VocabularySize, model.Logits, scale);
        pass.Backward(states, gradient);
        return loss;
    }

    /// <summary>The summed loss of a batch, without gradients.</summary>
    public static double Evaluate(CausalLM model, Batch batch)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var input = Input(batch, model.Device);
        var (places, targets) = Supervised(batch);
        if (targets.Length == 0) return 0;
        var states = model.Hidden(input).view(-1, model.Spec.HiddenSize).index_select(0, tensor(places, device: model.Device));
        return ChunkedCrossEntropy.Loss(states, tensor(targets, device: model.Device), model.Spec.VocabularySize, model.Logits);
    }

    private static DecoderInput Input(Batch batch, Device device) => batch.IsPacked
        ? DecoderInput.Packed(batch.InputIds, batch.Positions, batch.SequenceIds, batch.Rows, device)
        : DecoderInput.Padded(batch.InputIds, batch.Rows, device);

    // Where the predicting states stand in the flattened batch, and what they are to predict.
    private static (long[] Places, long[] Targets) Supervised(Batch batch)
    {
        var (places, targets) = (new List<long>(batch.SupervisedTokens), new List<long>(batch.SupervisedTokens));
        for (var row = 0; row < batch.Rows; row++)
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
