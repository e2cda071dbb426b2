using LowRank.Autograd;
using LowRank.Models.Decoder;
using LowRank.Training.Packing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Objectives;

/// <summary>The next-token loss of a batch. Losses are sums over supervised tokens; whoever calls divides by the tokens of the whole effective batch.</summary>
public static class CausalLoss
{
    /// <summary>The summed loss of a batch, with <paramref name="scale"/> times its gradient added to those of the model's trained parameters.</summary>
    /// <param name="model">The model.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="scale">One by the number of supervised tokens of the effective batch, so that accumulated gradients equal those of one large batch.</param>
    /// <param name="checkpointedLayers">How many layers compute their activations again in the backward pass instead of keeping them.</param>
    public static double Backward(CausalLM model, Batch batch, double scale, int checkpointedLayers = 0) => Backward(model, batch, scale, checkpointedLayers, 0, null);

    /// <summary>The same with label smoothing, and noise on the embedded tokens.</summary>
    internal static double Backward(CausalLM model, Batch batch, double scale, int checkpointedLayers, double smoothing, EmbeddingNoise? noise, bool isCompact = true)
    {
        using var scope = NewDisposeScope();
        var tokens = BatchTokens.Of(batch);
        if (tokens.Targets.Length == 0) return 0;
        using var input = BatchInput.Of(model, batch, noise, isCompact);
        using var pass = model.Train(input.Decoder, checkpointedLayers, noise);
        var states = input.At(pass.Hidden, tokens);
        var (loss, gradient) = ChunkedCrossEntropy.LossAndGradient(states, tensor(tokens.Targets, device: model.Device), model.Spec.VocabularySize, model.Logits, scale, smoothing);
        pass.Backward(states, gradient);
        return loss;
    }

    /// <summary>The summed loss of a batch, without gradients.</summary>
    public static double Evaluate(CausalLM model, Batch batch)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var tokens = BatchTokens.Of(batch);
        if (tokens.Targets.Length == 0) return 0;
        using var input = BatchInput.Of(model, batch);
        return ChunkedCrossEntropy.Loss(input.At(model.Hidden(input.Decoder), tokens), tensor(tokens.Targets, device: model.Device), model.Spec.VocabularySize, model.Logits);
    }

    /// <summary>The summed loss of each sequence of a batch, numbered as <see cref="BatchTokens.Sequences"/>, without gradients.</summary>
    internal static double[] EvaluateEach(CausalLM model, Batch batch)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var (tokens, count) = (BatchTokens.Of(batch), batch.Pairs > 0 ? batch.Rows : batch.Examples.Count);
        if (tokens.Targets.Length == 0) return new double[count];
        using var input = BatchInput.Of(model, batch);
        return tokens.SumBySequence(ChunkedCrossEntropy.Losses(input.At(model.Hidden(input.Decoder), tokens), tensor(tokens.Targets, device: model.Device), model.Spec.VocabularySize, model.Logits), count);
    }

    /// <summary>The batch as the decoder reads it, row by row as it is.</summary>
    internal static DecoderInput Input(Batch batch, Device device) => batch.IsPacked
        ? DecoderInput.Packed(batch.InputIds, batch.Positions, batch.SequenceIds, batch.Rows, device)
        : DecoderInput.Padded(batch.InputIds, batch.Rows, device);
}
