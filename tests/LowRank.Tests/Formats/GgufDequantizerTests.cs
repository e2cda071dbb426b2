using System.Runtime.InteropServices;
using CsCheck;
using LowRank.Formats;
using LowRank.Testing;

namespace LowRank.Tests.Formats;

public sealed unsafe class GgufDequantizerTests
{
    public static TheoryData<TensorType> Supported => [.. Enum.GetValues<TensorType>().Where(GgufDequantizer.Supports)];

    public static TheoryData<TensorType> BlockTypes => [.. Enum.GetValues<TensorType>().Where(t => GgufDequantizer.Supports(t) && !t.IsPlain())];

    // Reference: gguf-py 0.19 dequantize (fixtures/generate/gguf_goldens.py). Exact: one multiplication and one addition, each rounded.
    public static IEnumerable<TheoryDataRow<string>> Quantized => Golden.Cases("gguf/quant", "gguf/quant", "*.bin",
        name => !Enum.TryParse<TensorType>(TypeOf(name), out var type) ? $"{TypeOf(name)} is not a known GGUF type"
            : GgufDequantizer.Supports(type) ? null : $"{type} is refused by name");

    [Theory, MemberData(nameof(Quantized)), Trait("Category", "Golden")]
    public void Values_equal_those_of_gguf_py_bit_for_bit(string name)
    {
        var type = Enum.Parse<TensorType>(TypeOf(name));
        var blocks = File.ReadAllBytes(Golden.At("gguf", "quant", name + ".bin"));
        var want = MemoryMarshal.Cast<byte, uint>(File.ReadAllBytes(Golden.At("gguf", "quant", name + ".f32")));
        var got = new float[want.Length];
        GgufDequantizer.Dequantize(type, blocks, got);
        AssertSame(want, MemoryMarshal.Cast<float, uint>(got));

        var rounded = new ushort[want.Length];
        GgufDequantizer.Dequantize(type, blocks, rounded);
        for (var i = 0; i < rounded.Length; i++) Assert.Equal(FloatConversion.SingleToBFloat16(got[i]), rounded[i]);
    }

    [Theory, MemberData(nameof(BlockTypes))]
    public void Vectorised_blocks_equal_plain_ones(TensorType type)
    {
        Assert.SkipUnless(GgufBlocks.IsVectorised, "this processor has no AVX2; the plain path is the only one");
        delegate*<byte*, float*, void> plain = GgufBlocks.PlainOf(type), vector = GgufBlocks.VectorOf(type);
        Gen.Byte.Array[type.BlockBytes()].Sample(block =>
        {
            var values = new float[2, type.BlockSize()];
            fixed (byte* from = block)
            fixed (float* a = &values[0, 0], b = &values[1, 0])
            {
                plain(from, a);
                vector(from, b);
                // Random scales may be NaN: a NaN equals a NaN, whatever its payload.
                for (var i = 0; i < type.BlockSize(); i++)
                    Assert.True(BitConverter.SingleToUInt32Bits(a[i]) == BitConverter.SingleToUInt32Bits(b[i]) || float.IsNaN(a[i]) && float.IsNaN(b[i]), $"value {i}: {a[i]} and {b[i]}");
            }
        }, iter: 2000);
    }

    [Theory, MemberData(nameof(Supported))]
    public void Many_threads_give_the_values_of_one(TensorType type)
    {
        const int count = 700 * 1024;
        var blocks = new byte[count / type.BlockSize() * type.BlockBytes()];
        new Random(7).NextBytes(blocks);
        float[] one = new float[count], many = new float[count];
        ushort[] oneRounded = new ushort[count], manyRounded = new ushort[count];
        GgufDequantizer.Dequantize(type, blocks, one);
        GgufDequantizer.Dequantize(type, blocks, oneRounded);
        fixed (byte* from = blocks)
        fixed (float* to = many)
        fixed (ushort* rounded = manyRounded)
        {
            GgufDequantizer.Dequantize(type, from, count, to);
            GgufDequantizer.Dequantize(type, from, count, rounded);
        }
        AssertSame(MemoryMarshal.Cast<float, uint>(one), MemoryMarshal.Cast<float, uint>(many));
        Assert.Equal(oneRounded, manyRounded);
    }

    [Fact]
    public void Other_types_are_refused_by_name()
    {
        foreach (var type in Enum.GetValues<TensorType>().Where(t => !GgufDequantizer.Supports(t)))
        {
            var error = Assert.Throws<GgufException>(() => GgufDequantizer.Dequantize(type, new byte[type.BlockBytes()], new float[type.BlockSize()]));
            Assert.Contains(type.ToString(), error.Message, StringComparison.Ordinal);
            Assert.Contains("Q4_1", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Lengths_that_do_not_fit_are_refused() =>
        Assert.Throws<ArgumentException>(() => GgufDequantizer.Dequantize(TensorType.Q4_0, new byte[18], new float[31]));

    private static string TypeOf(string name) => name.Split('.')[0];

    private static void AssertSame(ReadOnlySpan<uint> want, ReadOnlySpan<uint> got)
    {
        Assert.Equal(want.Length, got.Length);
        for (var i = 0; i < want.Length; i++)
            if (want[i] != got[i]) Assert.Fail($"value {i}: {BitConverter.UInt32BitsToSingle(got[i])}, wanted {BitConverter.UInt32BitsToSingle(want[i])}");
    }
}
