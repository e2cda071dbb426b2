using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>What all layers share in one forward pass.</summary>
/// <param name="input">The batch.</param>
/// <param name="ropes">The rotations that the model's layers have, each once.</param>
/// <param name="ropeOfLayer">By layer: its rotation's number among them.</param>
/// <param name="dtype">The dtype of the angles.</param>
/// <param name="observeRouter">Sees the router's logits <c>[tokens, experts]</c> of each layer that has one, or null.</param>
internal sealed class DecoderPass(DecoderInput input, IReadOnlyList<RotaryEmbedding> ropes, int[] ropeOfLayer, ScalarType dtype, Action<Tensor>? observeRouter = null)
{
    private readonly (Tensor Cos, Tensor Sin)[] angles = [.. ropes.Select(r => r.Angles(input, dtype))];

    /// <summary>The batch.</summary>
    public DecoderInput Input { get; } = input;

    /// <summary>Cosine and sine of a layer for the batch's positions, <c>[batch, 1, sequence, half]</c>; half is 0 in a layer without rope.</summary>
    public (Tensor Cos, Tensor Sin) Angles(int layer) => angles[ropeOfLayer[layer]];

    /// <summary>All angles, for whoever keeps the pass.</summary>
    public IEnumerable<Tensor> Tensors => angles.SelectMany(a => new[] { a.Cos, a.Sin });

    /// <summary>Shows a router's logits to whoever asked for them.</summary>
    public void ObserveRouter(Tensor logits) => observeRouter?.Invoke(logits);
}
