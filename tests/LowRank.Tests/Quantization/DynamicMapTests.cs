using System.Text.Json;
using LowRank.Kernels.Cpu;
using LowRank.Quantization;
using LowRank.Testing;

namespace LowRank.Tests.Quantization;

public sealed class DynamicMapTests
{
    public static IEnumerable<TheoryDataRow<string>> Codes =>
        Golden.Cases("numerics/codes/dynamic", File.Exists(Golden.At("numerics", "codes.json")) ? ["dynamic_signed", "dynamic_unsigned"] : []);

    [Theory, MemberData(nameof(Codes)), Trait("Category", "Golden")]
    public void The_values_have_the_bits_of_bitsandbytes(string name)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Golden.At("numerics", "codes.json")));
        string[] want = [.. json.RootElement.GetProperty(name).GetProperty("hex").EnumerateArray().Select(e => e.GetString()!)];
        string[] got = [.. Map(name).AscendingValues.ToArray().Select(v => BitConverter.SingleToUInt32Bits(v).ToString("x8", null))];
        Assert.Equal(want, got);
    }

    [Theory, InlineData("dynamic_signed"), InlineData("dynamic_unsigned")]
    public void The_search_finds_the_nearest_value(string name)
    {
        var map = Map(name);
        var random = new Random(1);
        for (var i = 0; i < 200_000; i++)
        {
            var x = (float)((random.NextDouble() * 2 - 1) * Math.Pow(10, -9 * random.NextDouble()));
            Assert.Equal(ByTrial(map, x), map.Nearest(x));
        }
        foreach (var border in map.Borders[..^1])
            foreach (var x in new[] { border, MathF.BitIncrement(border), MathF.BitDecrement(border) })
                Assert.Equal(x > border ? map.Borders.IndexOf(border) + 1 : map.Borders.IndexOf(border), map.Nearest(x));
        foreach (var x in map.AscendingValues) Assert.Equal(x, map.AscendingValues[map.Nearest(x)]);
        foreach (var x in new[] { 1.0000001f, float.PositiveInfinity, float.MaxValue }) Assert.Equal(255, map.Nearest(x));
        foreach (var x in new[] { -1.0000001f, float.NegativeInfinity }) Assert.Equal(0, map.Nearest(x));
    }

    [Theory]
    [InlineData(1), InlineData(7), InlineData(255), InlineData(256), InlineData(257), InlineData(1000)]
    public unsafe void Blocks_equal_the_formula(int count)
    {
        var random = new Random(count);
        var x = new float[count];
        for (var i = 0; i < count; i++) x[i] = (float)(random.NextDouble() - 0.5) * (i < 256 ? 1e-3f : 10);
        var (codes, absmax, back) = (new byte[count], new float[DynamicBlocks.Blocks(count)], new float[count]);
        fixed (float* px = x, pa = absmax, pb = back)
        fixed (byte* pc = codes)
        {
            DynamicBlocks.Quantize(px, count, DynamicMap.Signed, pc, pa);
            DynamicBlocks.Dequantize(pc, pa, count, DynamicMap.Signed.AscendingValues, pb);
        }
        for (var i = 0; i < count; i++)
        {
            var block = x.AsSpan(i / 256 * 256, Math.Min(256, count - i / 256 * 256)).ToArray();
            var largest = block.Max(MathF.Abs);
            Assert.Equal(largest, absmax[i / 256]);
            Assert.Equal(DynamicMap.Signed.Nearest(x[i] / largest), codes[i]);
            Assert.Equal(DynamicMap.Signed.AscendingValues[codes[i]] * largest, back[i]);
        }
    }

    [Fact]
    public unsafe void A_block_of_zeros_stays_zero()
    {
        var (x, codes, absmax, back) = (new float[300], new byte[300], new float[2], new float[300]);
        x[299] = -2;
        fixed (float* px = x, pa = absmax, pb = back)
        fixed (byte* pc = codes)
        {
            DynamicBlocks.Quantize(px, 300, DynamicMap.Unsigned, pc, pa);
            DynamicBlocks.Dequantize(pc, pa, 300, DynamicMap.Unsigned.AscendingValues, pb);
        }
        Assert.Equal([0f, 2f], absmax);
        Assert.All(back, v => Assert.Equal(0, v));
    }

    [Theory, InlineData("dynamic_signed"), InlineData("dynamic_unsigned")]
    public unsafe void Vectors_find_the_same_codes(string name)
    {
        var map = Map(name);
        List<float> values = [1, 0, -0f, 1e-30f, -1e-30f, 1e-41f];
        foreach (var b in map.Borders[..^1]) values.AddRange([b, MathF.BitIncrement(b), MathF.BitDecrement(b), -b]);
        var random = new Random(2);
        while (values.Count < 100_003) values.Add((float)((random.NextDouble() * 2 - 1) * Math.Pow(10, -9 * random.NextDouble())));
        // The largest of every block is 1, so that values are searched as they are.
        float[] x = [.. values.Select((v, i) => i % 256 == 0 ? 1 : v)];
        var (want, got, absmax) = (new byte[x.Length], new byte[x.Length], new float[DynamicBlocks.Blocks(x.Length)]);
        fixed (float* px = x, pa = absmax)
        fixed (byte* pw = want, pg = got)
        {
            DynamicBlocks.Quantize(px, x.Length, map, pw, pa, vectorised: false);
            DynamicBlocks.Quantize(px, x.Length, map, pg, pa);
        }
        Assert.Equal(want, got);
    }

    private static DynamicMap Map(string name) => name == "dynamic_signed" ? DynamicMap.Signed : DynamicMap.Unsigned;

    private static int ByTrial(DynamicMap map, float x)
    {
        var best = 0;
        for (var c = 1; c < DynamicMap.Size; c++)
            if (Math.Abs((double)x - map.AscendingValues[c]) < Math.Abs((double)x - map.AscendingValues[best])) best = c;
        return best;
    }
}
