using CsCheck;
using LowRank.Formats;

namespace LowRank.Tests.Formats;

public sealed class FloatConversionTests
{
    private static readonly ushort[] all = [.. Enumerable.Range(0, 65536).Select(i => (ushort)i)];

    [Fact]
    public void Every_half_widens_exactly()
    {
        var got = new float[65536];
        FloatConversion.HalfToSingle(all, got);
        for (var i = 0; i < got.Length; i++)
        {
            var want = (float)BitConverter.UInt16BitsToHalf((ushort)i);
            Assert.True(float.IsNaN(want) ? float.IsNaN(got[i]) : BitConverter.SingleToUInt32Bits(want) == BitConverter.SingleToUInt32Bits(got[i]), $"0x{i:x4}: {got[i]}, wanted {want}");
        }
    }

    [Fact]
    public void Every_bf16_comes_back()
    {
        var wide = new float[65536];
        var back = new ushort[65536];
        FloatConversion.BFloat16ToSingle(all, wide);
        FloatConversion.SingleToBFloat16(wide, back);
        for (var i = 0; i < back.Length; i++) Assert.Equal(float.IsNaN(wide[i]) ? 0x7FC0 : i, back[i]);
    }

    [Theory]
    [InlineData(0x3F808000u, 0x3F80)] // tie, even below
    [InlineData(0x3F818000u, 0x3F82)] // tie, even above
    [InlineData(0x3F808001u, 0x3F81)]
    [InlineData(0x7F7FFFFFu, 0x7F80)] // the largest float rounds to infinity
    [InlineData(0x80000001u, 0x8000)] // a denormal to minus zero
    public void Rounds_to_nearest_even(uint bits, int want) => Assert.Equal(want, FloatConversion.SingleToBFloat16(BitConverter.UInt32BitsToSingle(bits)));

    [Fact]
    public void Spans_equal_single_values() => Gen.UInt.Array[0, 70].Sample(bits =>
    {
        var values = bits.Select(BitConverter.UInt32BitsToSingle).ToArray();
        ushort[] bf16 = new ushort[bits.Length], half = new ushort[bits.Length];
        FloatConversion.SingleToBFloat16(values, bf16);
        FloatConversion.SingleToHalf(values, half);
        for (var i = 0; i < bits.Length; i++)
            Assert.True(bf16[i] == FloatConversion.SingleToBFloat16(values[i]) && half[i] == FloatConversion.SingleToHalf(values[i]));
    });

    [Fact]
    public void Every_half_comes_back_and_what_lies_between_rounds_as_dotnet_does()
    {
        // Each half, its neighbours in single precision, and the middle to the next half.
        var values = new List<float>();
        for (var i = 0; i < 65536; i++)
        {
            var bits = BitConverter.SingleToUInt32Bits((float)BitConverter.UInt16BitsToHalf((ushort)i));
            foreach (var d in (ReadOnlySpan<int>)[0, 1, -1, 0xFFF, 0x1000, 0x1001]) values.Add(BitConverter.UInt32BitsToSingle((uint)(bits + d)));
        }
        for (var i = 0; i < 4096; i++) values.Add(i * 0.5f / (1 << 24)); // the subnormal halves and the middles between them
        var got = new ushort[values.Count];
        FloatConversion.SingleToHalf(values.ToArray(), got);
        for (var i = 0; i < got.Length; i++)
            Assert.True(float.IsNaN(values[i]) ? (got[i] & 0x7FFF) == 0x7E00 : got[i] == BitConverter.HalfToUInt16Bits((Half)values[i]), $"{values[i]}: 0x{got[i]:x4}");
    }
}
