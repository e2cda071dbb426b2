using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Quantization;

/// <summary>
/// An fp32 tensor rounded to 16 bits for a product, and the way back. bf16 has the range of fp32. fp16 has five bits of exponent, in which gradients vanish and large activations overflow:
/// there the tensor is multiplied by a power of two that brings its largest value near 16, and what is multiplied with it is divided by that again. This is what scaling the loss aims at
/// (arXiv:1710.03740), for each product by itself: no step is lost to an overflow, and nothing of it is part of a run's state.
/// </summary>
internal sealed class RoundedTensor : IDisposable
{
    /// <summary>
    /// The largest value becomes 2⁴: in a sum of n products with weights of deviation σ the result is then at most 16·√n·σ or so, far below the 65,504 of fp16 (n = 11,008, σ = 0.05: 84), and
    /// values down to 2⁻¹⁸ of the largest keep all 11 bits.
    /// </summary>
    private const float LargestExponent = 4;

    // Powers of two from here on have an inverse in fp32 as well; the largest value of a tensor of zeros counts as this.
    private const float Least = 7.8886091e-31f; // 2⁻¹⁰⁰

    private readonly Tensor? unit;

    private RoundedTensor(Tensor values, Tensor? unit) => (Values, this.unit) = (values, unit);

    /// <summary>The rounded values, in the shape of the tensor.</summary>
    public Tensor Values { get; }

    /// <summary>Whether a dtype of products is one of 16 bits.</summary>
    public static bool IsTypeOf(ScalarType productType) => productType is ScalarType.BFloat16 or ScalarType.Float16;

    /// <summary>Rounds a tensor.</summary>
    /// <param name="x">fp32, contiguous.</param>
    /// <param name="type">bf16 or fp16.</param>
    public static RoundedTensor Of(Tensor x, ScalarType type)
    {
        if (type == ScalarType.BFloat16) return new(Cast(x, type), null);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        // No value comes to the processor: a GPU need not be waited for.
        var exponent = Scalars.Of(LargestExponent) - x.norm(float.PositiveInfinity).clamp_min(Scalars.Of(Least)).log2().ceil();
        var rounded = Cast(x * exponent.exp2(), type);
        return new(rounded.MoveToOuterDisposeScope(), (-exponent).exp2().MoveToOuterDisposeScope());
    }

    /// <summary>The values in fp32 again, as they were multiplied.</summary>
    public Tensor Widened() => Widened(Values);

    /// <summary>A product with the values, of their dtype, in fp32 and in its own unit.</summary>
    public Tensor Widened(Tensor product)
    {
        var wide = Cast(product, ScalarType.Float32);
        return unit is null ? wide : wide.mul_(unit);
    }

    /// <summary>Adds a product with the values, of their dtype, to an fp32 tensor; without a unit it is widened as it is added.</summary>
    public void Add(Tensor product, Tensor target)
    {
        using var wide = unit is null ? null : Widened(product);
        target.add_(wide ?? product, Scalars.One);
    }

    /// <summary>The same, for a node to keep beyond the dispose scopes.</summary>
    public RoundedTensor Kept() => new(Values.detach().DetachFromDisposeScope(), unit?.detach().DetachFromDisposeScope());

    private static Tensor Cast(Tensor x, ScalarType type) => x.device_type == DeviceType.CPU ? TypeCast.Pooled(x, type) : x.to(type);

    /// <summary>Frees the values.</summary>
    public void Dispose()
    {
        Values.Dispose();
        unit?.Dispose();
    }
}
