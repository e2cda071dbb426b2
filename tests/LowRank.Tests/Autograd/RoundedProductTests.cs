using LowRank.Autograd;
using LowRank.Layers;
using LowRank.Quantization;
using LowRank.Tests.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Tests.Autograd;

/// <summary>
/// Products computed in bf16 between fp32 tensors, against the same products in fp64. A value carries the rounding of the input (2⁻⁹ of each term), of the result (2⁻⁹ of it)
/// and, for the fp32 weights of these tests, of the weight: the bound is that of each single element, from the sum of its terms' absolute values.
/// </summary>
[Collection(nameof(NativeTensors))]
public sealed class RoundedProductTests
{
    // Half of a unit in the last place of 8 bits of mantissa; a little more for second-order terms and sums in fp32.
    private const double Rounding = 1.0 / 512 * 1.02;

    [Theory]
    [InlineData(false), InlineData(true)]
    public void Outputs_and_gradients_carry_no_more_than_the_roundings(bool fourBit)
    {
        using var scope = NewDisposeScope();
        // Two layers, so that the rounded input is shared; of the 4-bit weight more than one panel.
        var (rows, inFeatures, outFeatures) = (70, fourBit ? 4096 : 96, fourBit ? 300 : 48);
        using FrozenWeight first = fourBit ? FourBitSamples.Weight(outFeatures, inFeatures, new()) : new DenseWeight(Random(1, outFeatures, inFeatures).to(ScalarType.BFloat16));
        using FrozenWeight second = new DenseWeight(Random(2, 32, inFeatures).to(ScalarType.BFloat16));
        first.ProductType = second.ProductType = ScalarType.BFloat16;
        var (x, a, b) = (Leaf(3, 2, rows / 2, inFeatures), Leaf(4, 4, inFeatures), Leaf(5, outFeatures, 4));
        var (g0, g1) = (Random(6, 2, rows / 2, outFeatures), Random(7, 2, rows / 2, 32));
        var y = LinearPartsNode.Apply(x, new LinearPart(first, null, a, b, 0.5), new LinearPart(second, null));
        Assert.All(y, t => Assert.Equal(ScalarType.Float32, t.dtype));
        BackwardPass.Run(cat(y, -1), cat([g0, g1], -1));

        Tensor Wide(FrozenWeight w) => w.Dequantize(0, w.OutFeatures).to(ScalarType.Float64);
        // Decoded values are rounded to bf16 too.
        var weightRounding = fourBit ? 2 : 1;
        var (wx, wa, wb, w0, w1) = (x.detach().to(ScalarType.Float64), a.detach().to(ScalarType.Float64), b.detach().to(ScalarType.Float64), Wide(first), Wide(second));
        var (d0, d1) = (g0.to(ScalarType.Float64), g1.to(ScalarType.Float64));
        var low = wx.matmul(wa.t()).matmul(wb.t()) * 0.5;
        Within(wx.matmul(w0.t()) + low, y[0], weightRounding * wx.abs().matmul(w0.abs().t()) + wx.matmul(w0.t()).abs(), low, "y");
        Within(wx.matmul(w1.t()), y[1], wx.abs().matmul(w1.abs().t()) + wx.matmul(w1.t()).abs(), null, "y of the second");
        var down = d0.matmul(wb) * 0.5;
        var (dx0, dx1) = (d0.matmul(w0), d1.matmul(w1));
        Within(dx0 + dx1 + down.matmul(wa), x.grad!, weightRounding * d0.abs().matmul(w0.abs()) + dx0.abs() + d1.abs().matmul(w1.abs()) + dx1.abs(), down.abs().matmul(wa.abs()), "dx");
        var (flat, flatDown, flatG) = (wx.view(rows, -1), down.view(rows, -1), d0.view(rows, -1));
        Within(flatDown.t().mm(flat), a.grad!, flatDown.abs().t().mm(flat.abs()), flatDown.abs().t().mm(flat.abs()), "dA");
        var rank = flat.mm(wa.t());
        Within(flatG.t().mm(rank) * 0.5, b.grad!, zeros_like(wb), flatG.abs().t().mm(flat.abs().mm(wa.abs().t())), "dB");
    }

    [Fact]
    public void Few_rows_are_computed_in_fp32()
    {
        using var scope = NewDisposeScope();
        using var weight = new DenseWeight(Random(1, 48, 96).to(ScalarType.BFloat16)) { ProductType = ScalarType.BFloat16 };
        var x = Random(2, 3, 96);
        using var plain = new DenseWeight(Random(1, 48, 96).to(ScalarType.BFloat16));
        Assert.Equal(plain.Linear(x).data<float>().ToArray(), weight.Product(x).data<float>().ToArray());
    }

    [Fact]
    public void A_trained_layer_multiplies_rounded_values_and_gets_fp32_gradients()
    {
        using var scope = NewDisposeScope();
        using var layer = new TrainedLinear(new TrainableParameter("w", Random(1, 24, 40)), null) { ProductType = ScalarType.BFloat16 };
        var (x, g) = (Leaf(2, 16, 40), Random(3, 16, 24));
        var y = layer.Forward(x);
        BackwardPass.Run(y, g);
        var (wx, w, wg) = (x.detach().to(ScalarType.Float64), layer.Weight.Value.detach().to(ScalarType.Float64), g.to(ScalarType.Float64));
        Within(wx.mm(w.t()), y, 2 * wx.abs().mm(w.abs().t()) + wx.mm(w.t()).abs(), null, "y");
        Within(wg.mm(w), x.grad!, 2 * wg.abs().mm(w.abs()) + wg.mm(w).abs(), null, "dx");
        Within(wg.t().mm(wx), layer.Weight.Value.grad!, 2 * wg.abs().t().mm(wx.abs()) + wg.t().mm(wx).abs(), null, "dW");
        Assert.Equal(ScalarType.Float32, layer.Weight.Value.grad!.dtype);
    }

    // fp16 ends at 65,504 and begins at 6e-8; a power of two in front of the product costs nothing, so what comes out is that of the unit values, to the bit.
    [Theory, InlineData(0), InlineData(40), InlineData(-40)]
    public void Products_in_fp16_have_room_for_values_of_any_size(int exponent)
    {
        using var scope = NewDisposeScope();
        using var weight = new DenseWeight(Random(1, 48, 96).to(ScalarType.BFloat16)) { ProductType = ScalarType.Float16 };
        var (size, x, dy) = ((float)Math.Pow(2, exponent), Random(2, 40, 96), Random(3, 40, 48));
        using var small = new DenseWeight(Random(1, 48, 96).to(ScalarType.BFloat16)) { ProductType = ScalarType.Float16 };
        Assert.Equal((small.Product(x) * size).data<float>().ToArray(), weight.Product(x * size).data<float>().ToArray());
        Assert.Equal((small.ProductBackward(dy) * size).data<float>().ToArray(), weight.ProductBackward(dy * size).data<float>().ToArray());
        var (wx, w) = (x.to(ScalarType.Float64), weight.Dequantize(0, 48).to(ScalarType.Float64));
        // Half a unit of 11 bits for the input and for the result; bf16 weights are exact in fp16. Sums in fp32, and a result's last subnormal bit, come on top.
        var limit = (wx.abs().matmul(w.abs().t()) + wx.matmul(w.t()).abs()) * (1.0 / 4096 * 1.02) + wx.abs().matmul(w.abs().t()) * 1e-6;
        Assert.True(((weight.Product(x * size).to(ScalarType.Float64) / size - wx.matmul(w.t())).abs() - limit).max().item<double>() <= 0);
        // The sum of gradients is that of both.
        var sum = ones(40, 96);
        weight.AddProductBackward(dy * size, sum);
        Assert.Equal((weight.ProductBackward(dy * size) + 1).data<float>().ToArray(), sum.data<float>().ToArray());
    }

    [Fact]
    public void A_node_in_fp16_gives_the_gradients_of_fp32_whatever_their_size()
    {
        using var scope = NewDisposeScope();
        float[][] Gradients(ScalarType type, float size)
        {
            using var weight = new DenseWeight(Random(2, 32, 96).to(ScalarType.BFloat16)) { ProductType = type };
            var (x, a, b) = (Leaf(3, 40, 96), Leaf(4, 4, 96), Leaf(5, 32, 4));
            BackwardPass.Run(LinearPartsNode.Apply(x, new LinearPart(weight, null, a, b, 0.5))[0], Random(6, 40, 32) * size);
            return [.. new[] { x, a, b }.Select(t => (t.grad! / size).data<float>().ToArray())];
        }

        // 2⁻⁶⁰: far below what fp16 holds.
        var (want, got) = (Gradients(ScalarType.Float32, 1), Gradients(ScalarType.Float16, (float)Math.Pow(2, -60)));
        foreach (var (w, g) in want.Zip(got))
        {
            double product = w.Zip(g, (p, q) => (double)p * q).Sum(), left = w.Sum(v => (double)v * v), right = g.Sum(v => (double)v * v);
            Assert.True(product / Math.Sqrt(left * right) > 1 - 1e-6, $"{product / Math.Sqrt(left * right)}");
        }
    }

    [Fact]
    public void Zeros_stay_zeros_and_what_is_no_number_stays_none()
    {
        using var scope = NewDisposeScope();
        using var weight = new DenseWeight(Random(1, 48, 96).to(ScalarType.BFloat16)) { ProductType = ScalarType.Float16 };
        Assert.All(weight.Product(zeros(20, 96)).data<float>().ToArray(), y => Assert.Equal(0, y));
        foreach (var wrong in new[] { float.NaN, float.PositiveInfinity })
        {
            var x = ones(20, 96);
            x[3, 5] = wrong;
            Assert.Contains(weight.Product(x).data<float>().ToArray(), y => !float.IsFinite(y));
        }
    }

    // rounded: what the roundings of bf16 are a share of; plain: what those of fp32 sums are.
    private static void Within(Tensor want, Tensor got, Tensor rounded, Tensor? plain, string what)
    {
        var limit = rounded * Rounding + rounded * 1e-6 + (plain is null ? 0 : plain.abs() * 2e-6) + 1e-6;
        var excess = ((got.detach().to(ScalarType.Float64) - want).abs() - limit).max().item<double>();
        Assert.True(excess <= 0, $"{what}: {excess:g3} beyond the roundings");
        // Something was rounded, or this shows nothing.
        if (rounded.max().item<double>() > 0) Assert.True((got.detach().to(ScalarType.Float64) - want).abs().max().item<double>() > 1e-5, $"{what} is exact");
    }

    private static Tensor Leaf(int seed, params long[] shape) => Random(seed, shape).requires_grad_(true);

    private static Tensor Random(int seed, params long[] shape)
    {
        using var generator = new Generator((ulong)seed, CPU);
        return randn(shape, generator: generator);
    }
}
