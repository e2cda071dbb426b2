using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>Rotates the halves of query and key heads by angles that grow with the position (arXiv:2104.09864, in the half-split layout of Hugging Face's models).</summary>
/// <param name="spec">Base, size and scaling; null for layers without rope, whose angles are of no dimensions.</param>
internal sealed class RotaryEmbedding(RopeSpec? spec)
{
    private readonly float[] frequencies = spec?.InverseFrequencies() ?? [];
    private readonly float[]? beyond = spec?.Scaling.ShortContext is null ? null : spec.InverseFrequencies(beyondShort: true);

    /// <summary>
    /// Cosine and sine for the positions of <paramref name="input"/>: each <c>[batch, 1, sequence, size / 2]</c> in
    /// <paramref name="dtype"/>. The angles are fp32 products, as in transformers, so that far positions round alike.
    /// </summary>
    public (Tensor Cos, Tensor Sin) Angles(DecoderInput input, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var positions = input.Positions.to(ScalarType.Float32).unsqueeze(-1);
        var angles = positions * tensor(frequencies, device: positions.device);
        if (beyond is not null)
        {
            var isLong = input.SequenceLengths().unsqueeze(-1) > Scalars.Of(spec!.Scaling.ShortContext!.Value);
            angles = where(isLong, positions * tensor(beyond, device: positions.device), angles);
        }
        var factor = spec?.Scaling.AttentionFactor ?? 1;
        var (cosine, sine) = (angles.cos(), angles.sin());
        if (factor != 1) (cosine, sine) = (cosine * Scalars.Of(factor), sine * Scalars.Of(factor));
        (cosine, sine) = (cosine.to(dtype).unsqueeze(1), sine.to(dtype).unsqueeze(1));
        return (cosine.MoveToOuterDisposeScope(), sine.MoveToOuterDisposeScope());
    }

    /// <summary>Rotates the first dimensions of <paramref name="heads"/> <c>[batch, heads, sequence, headSize]</c>, twice as many as there are angles.</summary>
    public static Tensor Rotate(Tensor heads, (Tensor Cos, Tensor Sin) angles)
    {
        using var scope = NewDisposeScope();
        long half = angles.Cos.shape[^1], headSize = heads.shape[^1];
        var first = heads.narrow(-1, 0, half);
        var second = heads.narrow(-1, half, half);
        var turnedFirst = first * angles.Cos - second * angles.Sin;
        var turnedSecond = (second * angles.Cos).add(first * angles.Sin, Scalars.One);
        var turned = headSize == 2 * half ? cat([turnedFirst, turnedSecond], -1)
            : cat([turnedFirst, turnedSecond, heads.narrow(-1, 2 * half, headSize - 2 * half)], -1);
        return turned.MoveToOuterDisposeScope();
    }
}
