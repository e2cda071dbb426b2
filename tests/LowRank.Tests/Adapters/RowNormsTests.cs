using LowRank.Adapters.Dora;
using LowRank.Formats;
using LowRank.Quantization;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Tests.Adapters;

[Collection(nameof(NativeTensors))]
public sealed class RowNormsTests
{
    [Theory, InlineData(false, 0.5), InlineData(true, 0.5), InlineData(false, 40), InlineData(true, 0)]
    public unsafe void Lengths_without_the_sum_are_those_of_the_sum(bool fourBit, double scaling)
    {
        using var scope = NewDisposeScope();
        var random = new Generator(7);
        var narrow = (randn(1100, 128, generator: random) * 0.03).to(ScalarType.BFloat16);
        var (a, b) = (randn(8, 128, generator: random) * 0.1, randn(1100, 8, generator: random) * 0.05);
        using FrozenWeight weight = fourBit
            ? FourBitWeight.Quantize((byte*)TensorMemory.DataPointer(narrow), TensorType.BF16, 1100, 128, new(), "w")
            : new DenseWeight(narrow.clone().DetachFromDisposeScope());
        using var norms = new RowNorms(weight);
        var lengths = norms.Of(a, b, scaling).to(ScalarType.Float64);

        var (w, update) = (weight.Dequantize(0, 1100).to(ScalarType.Float64), b.to(ScalarType.Float64).mm(a.to(ScalarType.Float64)) * scaling);
        var squares = (w + update).square().sum(1);
        // Three fp32 sums of at most 128 terms, the middle one bounded by the others: half of their error relative to what is left of them stays in the root.
        var bound = 128 * Math.Pow(2, -24) * (w.square().sum(1) + update.square().sum(1)) * 2 / squares.sqrt();
        Assert.True((lengths - squares.sqrt()).abs().le(bound).all().item<bool>());
    }

    [Fact]
    public void An_update_that_takes_the_weight_away_leaves_no_length_and_no_NaN()
    {
        using var scope = NewDisposeScope();
        var a = randn(4, 64);
        var b = randn(32, 4);
        using var weight = new DenseWeight((b.mm(a) * -0.7).DetachFromDisposeScope());
        using var norms = new RowNorms(weight);
        var lengths = norms.Of(a, b, 0.7);
        Assert.True(lengths.isfinite().all().item<bool>());
        // What fp32 leaves of two alike squares.
        Assert.True(lengths.le(weight.Dequantize(0, 32).square().sum(1).sqrt() * 3e-3).all().item<bool>());
    }
}
