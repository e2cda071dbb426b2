using LowRank.Kernels.Cpu;
using LowRank.Quantization;
using LowRank.Tests.Quantization;

namespace LowRank.Tests.Kernels;

/// <summary>Every instruction set that the processor has gives the bytes of the scalar kernels.</summary>
public sealed unsafe class FourBitKernelTests
{
    public static TheoryData<VectorPathName> Paths => [.. Enum.GetValues<VectorPathName>()];

    /// <summary>The paths but for the scalar one; public, as a theory's parameter must be.</summary>
    public enum VectorPathName { Vector128, Avx2, Avx512 }

    [Theory, MemberData(nameof(Paths))]
    public void Encoding_equals_the_scalar_path(VectorPathName name)
    {
        var path = Require(name);
        foreach (var code in new[] { FourBitCode.Nf4, FourBitCode.Fp4 })
            foreach (var count in new[] { 1, 2, 31, 32, 33, 64, 97, 4096 })
            {
                var x = Values(code, count);
                var (want, got) = (new byte[(count + 1) / 2], new byte[(count + 1) / 2]);
                fixed (float* px = x)
                fixed (byte* pw = want, pg = got)
                {
                    FourBitEncode.Scalar(px, count, 0.5f, code, pw);
                    FourBitEncode.Run(path, px, count, 0.5f, code, pg);
                }
                Assert.Equal(want, got);
            }
    }

    [Theory, MemberData(nameof(Paths))]
    public void Decoding_equals_the_scalar_path(VectorPathName name)
    {
        var path = Require(name);
        var packed = new byte[2048];
        new Random(1).NextBytes(packed);
        foreach (var code in new[] { FourBitCode.Nf4, FourBitCode.Fp4 })
            foreach (var scale in new[] { 0.0371f, 1e-40f, 3e38f, 0f, -0.2f })
                foreach (var count in new[] { 1, 2, 31, 32, 33, 64, 97, 4096 })
                {
                    var (want, got) = (new float[count + 1], new float[count + 1]);
                    fixed (float* table = Table(code), pw = want, pg = got)
                    fixed (byte* p = packed)
                    {
                        FourBitDecode.Scalar(p, count, table, scale, pw);
                        FourBitDecode.Run(path, p, count, table, scale, pg);
                    }
                    // As bits: zeros have signs too, and nothing is written behind the end.
                    Assert.Equal(Array.ConvertAll(want, BitConverter.SingleToInt32Bits), Array.ConvertAll(got, BitConverter.SingleToInt32Bits));
                }
    }

    [Theory]
    [InlineData(0, 0), InlineData(0, 1), InlineData(1, 1), InlineData(3, 500), InlineData(63, 2), InlineData(64, 64), InlineData(7, 761), InlineData(767, 1)]
    public void Any_range_equals_the_whole(int start, int count)
    {
        using var weight = FourBitSamples.Weight(8, 96, new());
        var all = FourBitSamples.Values(weight);
        var got = new float[count + 1];
        fixed (float* p = got) FourBitRange.Decode(weight.Parts.View(), start, count, p);
        Assert.Equal(all.AsSpan(start, count), got.AsSpan(0, count));
        Assert.Equal(0, got[count]);
    }

    // Random values, every border with its neighbours, the ends; half the size, so that the inverse scale counts.
    private static float[] Values(FourBitCode code, int count)
    {
        List<float> special = [0f, -0f, 2f, -2f, 1e-40f, -1e-40f];
        foreach (var b in code.Borders[..^1])
            special.AddRange([2 * b, 2 * MathF.BitIncrement(b), 2 * MathF.BitDecrement(b)]);
        var random = new Random(count);
        var x = new float[count];
        for (var i = 0; i < count; i++) x[i] = i % 2 == 0 && i / 2 < special.Count ? special[i / 2] : (float)(random.NextDouble() * 4 - 2);
        return x;
    }

    internal static float[] Table(FourBitCode code)
    {
        var table = new float[FourBitDecode.TableLength];
        FourBitDecode.FillTable(code.Values, table);
        return table;
    }

    private static VectorPath Require(VectorPathName name)
    {
        var path = Enum.Parse<VectorPath>(name.ToString());
        Assert.SkipUnless(VectorPaths.IsSupported(path), $"this processor has no {name}");
        return path;
    }
}
