using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>Rotates the halves of query and key heads by angles that grow with the position (arXiv:2104.09864, in the half-split layout of Hugging Face's models).</summary>
/// <param name="spec">Base, size and scaling.</param>
internal sealed class RotaryEmbedding(RopeSpec spec)
{
    private readonly float[] inverseFrequencies = spec.InverseFrequencies();

    /// <summary>
    /// Cosine and sine for <paramref name="positions"/> <c>[batch, sequence]</c>: each <c>[batch, 1, sequence, size / 2]</c> in
    /// <paramref name="dtype"/>. The angles are fp32 products, as in transformers, so that far positions round alike.
    /// </summary>
    public (Tensor Cos, Tensor Sin) Angles(Tensor positions, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var frequencies = tensor(inverseFrequencies, device: positions.device);
        var angles = positions.to(ScalarType.Float32).unsqueeze(-1) * frequencies;
        var factor = spec.Scaling.AttentionFactor;
        var (cosine, sine) = (angles.cos(), angles.sin());
        if (factor != 1) (cosine, sine) = (cosine * factor, sine * factor);
        (cosine, sine) = (cosine.to(dtype).unsqueeze(1), sine.to(dtype).unsqueeze(1));
        return (cosine.MoveToOuterDisposeScope(), sine.MoveToOuterDisposeScope());
    }

    /// <summary>Rotates <paramref name="heads"/> <c>[batch, heads, sequence, headSize]</c>.</summary>
    public Tensor Rotate(Tensor heads, (Tensor Cos, Tensor Sin) angles)
    {
        using var scope = NewDisposeScope();
        var half = spec.Size / 2;
        var first = heads.narrow(-1, 0, half);
        var second = heads.narrow(-1, half, half);
        var turnedFirst = first * angles.Cos - second * angles.Sin;
        var turnedSecond = second * angles.Cos + first * angles.Sin;
        var headSize = heads.shape[^1];
        var turned = headSize == spec.Size ? cat([turnedFirst, turnedSecond], -1)
            : cat([turnedFirst, turnedSecond, heads.narrow(-1, spec.Size, headSize - spec.Size)], -1);
        return turned.MoveToOuterDisposeScope();
    }
}
