using LowRank.Formats;
using LowRank.Kernels.Cpu.Decoding;
using LowRank.Quantization;
using LowRank.Testing;
using LowRank.Tests.Quantization;

namespace LowRank.Tests.Kernels.Decoding;

/// <summary>Products of a few rows with a 4-bit weight that is decoded in registers.</summary>
public sealed unsafe class FourBitGemvTests
{
    public static MatrixTheoryData<TensorType, bool, int> Forms => new([TensorType.F32, TensorType.BF16, TensorType.F16], [false, true], [64, 128]);

    // A row that is zero but for one 1 picks a single weight: every one is the decoded value, bit for bit.
    [Theory, MemberData(nameof(Forms))]
    public void Every_weight_is_the_decoded_value(TensorType rounding, bool doubleQuantization, int blockSize)
    {
        const int outFeatures = 5, inFeatures = 256;
        using var parts = Parts(outFeatures, inFeatures, rounding, new() { DoubleQuantization = doubleQuantization, BlockSize = blockSize });
        Assert.SkipUnless(FourBitGemv.Handles(parts), "this processor has no AVX2");
        using var weight = FourBitWeight.FromParts(parts);
        float[] want = FourBitSamples.Values(weight), x = new float[4 * inFeatures], arranged = new float[4 * inFeatures], y = new float[4 * outFeatures];
        foreach (var rows in new[] { 1, 4 })
        {
            for (var at = 0; at < inFeatures; at++)
            {
                Array.Clear(x);
                for (var r = 0; r < rows; r++) x[r * inFeatures + at] = 1;
                fixed (float* px = x, pa = arranged, py = y)
                {
                    FourBitGemv.Arrange(px, rows * inFeatures, pa);
                    FourBitGemv.Multiply(parts.View(), inFeatures, pa, rows, 0, outFeatures, py, outFeatures);
                }
                for (var o = 0; o < rows * outFeatures; o++) Assert.Equal(want[o % outFeatures * inFeatures + at], y[o]);
            }
        }
    }

    [Theory, InlineData(1, 192), InlineData(2, 576), InlineData(3, 64), InlineData(4, 1536), InlineData(5, 128), InlineData(8, 576)]
    public void Sums_are_those_of_the_products(int rows, int inFeatures)
    {
        const int outFeatures = 7;
        using var parts = Parts(outFeatures, inFeatures, TensorType.F32, new());
        Assert.SkipUnless(FourBitGemv.Handles(parts), "this processor has no AVX2");
        using var weight = FourBitWeight.FromParts(parts);
        float[] w = FourBitSamples.Values(weight), x = FourBitSamples.Normal((long)rows * inFeatures, 5), y = new float[rows * outFeatures], whole = new float[rows * outFeatures];
        var arranged = new float[x.Length];
        fixed (float* plain = x, px = arranged, py = y, pw = whole)
        {
            FourBitGemv.Arrange(plain, x.Length, px);
            FourBitGemv.Multiply(parts.View(), inFeatures, px, rows, 0, outFeatures, pw, outFeatures);
            // In slices the same, and nothing outside of a slice is written.
            Array.Fill(y, float.NaN);
            FourBitGemv.Multiply(parts.View(), inFeatures, px, rows, 2, 4, py, outFeatures);
            Assert.Equal(2 * rows, y.Count(v => !float.IsNaN(v)));
            FourBitGemv.Multiply(parts.View(), inFeatures, px, rows, 0, 2, py, outFeatures);
            FourBitGemv.Multiply(parts.View(), inFeatures, px, rows, 4, outFeatures, py, outFeatures);
        }
        Assert.Equal(whole, y);
        var want = new float[rows * outFeatures];
        for (var r = 0; r < rows; r++)
            for (var o = 0; o < outFeatures; o++)
            {
                var sum = 0.0;
                for (var i = 0; i < inFeatures; i++) sum += (double)x[r * inFeatures + i] * w[o * inFeatures + i];
                want[r * outFeatures + o] = (float)sum;
            }
        // Values near 0.06: products near 0.004, and a rounding of fp32 for each.
        Near.All(want, y, 1e-8 * Math.Sqrt(inFeatures), "y");
    }

    [Fact]
    public void Rows_that_are_no_whole_blocks_are_left_to_the_panels()
    {
        using var odd = Parts(3, 96, TensorType.F32, new());
        Assert.False(FourBitGemv.Handles(odd));
        using var small = Parts(3, 64, TensorType.F32, new() { BlockSize = 32 });
        Assert.False(FourBitGemv.Handles(small));
    }

    private static FourBitParts Parts(int outFeatures, int inFeatures, TensorType rounding, FourBitOptions options)
    {
        fixed (float* first = FourBitSamples.Normal((long)outFeatures * inFeatures, 3))
        {
            var made = FourBitQuantizer.Quantize((byte*)first, TensorType.F32, outFeatures, inFeatures, options, "w");
            return new FourBitParts(outFeatures, inFeatures, TensorType.F32, options) { Rounding = rounding, Packed = made.Packed, Absmax = made.Absmax, NestedAbsmax = made.NestedAbsmax, NestedOffset = made.NestedOffset };
        }
    }
}
