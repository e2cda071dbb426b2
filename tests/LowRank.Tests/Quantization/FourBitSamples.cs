using System.Runtime.InteropServices;
using LowRank.Formats;
using LowRank.Quantization;
using LowRank.Runtime.Memory;

namespace LowRank.Tests.Quantization;

/// <summary>Weights for tests of 4-bit storage, and views of what is stored.</summary>
internal static unsafe class FourBitSamples
{
    /// <summary>Normal values whose spread differs from row to row, seeded.</summary>
    public static float[] Normal(long count, int seed)
    {
        var random = new Random(seed);
        var values = new float[count];
        for (var i = 0; i < values.Length; i++)
            values[i] = (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()) * 0.02 * (1 + i / 97 % 7));
        return values;
    }

    public static byte[] Narrow(float[] values, TensorType type)
    {
        if (type == TensorType.F32) return MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
        var narrow = new ushort[values.Length];
        if (type == TensorType.BF16) FloatConversion.SingleToBFloat16(values, narrow);
        else FloatConversion.SingleToHalf(values, narrow);
        return MemoryMarshal.AsBytes(narrow.AsSpan()).ToArray();
    }

    public static FourBitWeight Weight(long rows, long columns, FourBitOptions options, int seed = 1)
    {
        fixed (float* first = Normal(rows * columns, seed)) return FourBitWeight.Quantize((byte*)first, TensorType.F32, rows, columns, options, "w");
    }

    /// <summary>All elements, rounded to <paramref name="type"/>.</summary>
    public static float[] Values(FourBitWeight weight, TensorType type = TensorType.F32)
    {
        var values = new float[weight.OutFeatures * weight.InFeatures];
        if (type == TensorType.F32)
        {
            fixed (float* first = values) weight.Dequantize(0, values.Length, type, (byte*)first);
            return values;
        }
        var narrow = new ushort[values.Length];
        fixed (ushort* first = narrow) weight.Dequantize(0, values.Length, type, (byte*)first);
        if (type == TensorType.BF16) FloatConversion.BFloat16ToSingle(narrow, values);
        else FloatConversion.HalfToSingle(narrow, values);
        return values;
    }

    public static byte[] Bytes(FourBitTensor tensor) => new ReadOnlySpan<byte>((byte*)tensor.Start, (int)tensor.Length).ToArray();

    public static byte[] Bytes(NativeBuffer buffer) => new ReadOnlySpan<byte>(buffer.Pointer, (int)buffer.Length).ToArray();

    public static float[] Floats(NativeBuffer buffer) => new ReadOnlySpan<float>(buffer.Pointer, (int)(buffer.Length / sizeof(float))).ToArray();
}
