using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace LowRank.Formats;

/// <summary>
/// Conversions between single precision and the 16-bit floats, as raw bits. Narrowing rounds to nearest, ties to even; a NaN becomes the
/// quiet NaN 0x7FC0 (bf16), as in PyTorch, or 0x7E00 with its sign (half).
/// </summary>
public static class FloatConversion
{
    /// <summary>bf16 bits to single precision, exactly.</summary>
    /// <exception cref="ArgumentException"><paramref name="target"/> is shorter than <paramref name="source"/>.</exception>
    public static void BFloat16ToSingle(ReadOnlySpan<ushort> source, Span<float> target)
    {
        RequireRoom(source.Length, target.Length);
        ref var from = ref MemoryMarshal.GetReference(source);
        ref var to = ref MemoryMarshal.GetReference(MemoryMarshal.Cast<float, uint>(target));
        var i = 0;
        // A bf16 number is the upper half of an fp32 one.
        if (Vector128.IsHardwareAccelerated)
            for (; i <= source.Length - 16; i += 16)
            {
                var v = Vector256.LoadUnsafe(ref from, (nuint)i);
                (Vector256.WidenLower(v) << 16).StoreUnsafe(ref to, (nuint)i);
                (Vector256.WidenUpper(v) << 16).StoreUnsafe(ref to, (nuint)i + 8);
            }
        for (; i < source.Length; i++) target[i] = BFloat16ToSingle(source[i]);
    }

    /// <summary>One bf16 value to single precision.</summary>
    public static float BFloat16ToSingle(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    /// <summary>Single precision to bf16 bits.</summary>
    /// <exception cref="ArgumentException"><paramref name="target"/> is shorter than <paramref name="source"/>.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // a model is loaded once: no time to be tiered up
    public static void SingleToBFloat16(ReadOnlySpan<float> source, Span<ushort> target)
    {
        RequireRoom(source.Length, target.Length);
        var i = 0;
        if (Vector256.IsHardwareAccelerated)
            for (; i <= source.Length - 16; i += 16)
                Vector256.Narrow(Round(Vector256.Create(source[i..])), Round(Vector256.Create(source[(i + 8)..]))).CopyTo(target[i..]);
        for (; i < source.Length; i++) target[i] = SingleToBFloat16(source[i]);
    }

    /// <summary>One single-precision value to bf16 bits.</summary>
    public static ushort SingleToBFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)0x7FC0 : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Round(Vector256<float> value)
    {
        var bits = value.AsUInt32();
        var rounded = (bits + Vector256.Create(0x7FFFu) + ((bits >> 16) & Vector256<uint>.One)) >> 16;
        return Vector256.ConditionalSelect(Vector256.Equals(value, value).AsUInt32(), rounded, Vector256.Create(0x7FC0u));
    }

    /// <summary>IEEE half-precision bits to single precision, exactly.</summary>
    /// <exception cref="ArgumentException"><paramref name="target"/> is shorter than <paramref name="source"/>.</exception>
    public static void HalfToSingle(ReadOnlySpan<ushort> source, Span<float> target)
    {
        RequireRoom(source.Length, target.Length);
        var i = 0;
        if (Vector256.IsHardwareAccelerated)
            for (; i <= source.Length - 16; i += 16)
            {
                var wide = Vector256.Widen(Vector256.Create(source[i..]));
                Expand(wide.Lower).CopyTo(target[i..]);
                Expand(wide.Upper).CopyTo(target[(i + 8)..]);
            }
        for (; i < source.Length; i++) target[i] = HalfToSingle(source[i]);
    }

    /// <summary>One IEEE half-precision value to single precision.</summary>
    public static float HalfToSingle(ushort bits) => (float)BitConverter.UInt16BitsToHalf(bits);

    // Subnormals are counted in units of 2^-24 rather than shifted, so that no intermediate is a denormal float (which a
    // thread may have set to flush to zero).
    private static Vector256<float> Expand(Vector256<uint> half)
    {
        var sign = (half & Vector256.Create(0x8000u)) << 16;
        var magnitude = half & Vector256.Create(0x7FFFu);
        var normal = (magnitude << 13) + Vector256.Create(112u << 23);
        var special = normal + Vector256.Create(112u << 23);
        var subnormal = (Vector256.ConvertToSingle(magnitude.AsInt32()) * Vector256.Create(1f / (1 << 24))).AsUInt32();
        var bits = Vector256.ConditionalSelect(Vector256.LessThan(magnitude, Vector256.Create(0x0400u)), subnormal,
            Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(magnitude, Vector256.Create(0x7C00u)), special, normal));
        return (bits | sign).AsSingle();
    }

    /// <summary>Single precision to IEEE half-precision bits; beyond ±65504 (rounded) the result is infinite.</summary>
    /// <exception cref="ArgumentException"><paramref name="target"/> is shorter than <paramref name="source"/>.</exception>
    public static void SingleToHalf(ReadOnlySpan<float> source, Span<ushort> target)
    {
        RequireRoom(source.Length, target.Length);
        var i = 0;
        if (Vector256.IsHardwareAccelerated)
            for (; i <= source.Length - 16; i += 16)
                Vector256.Narrow(ShrinkToHalf(Vector256.Create(source[i..])), ShrinkToHalf(Vector256.Create(source[(i + 8)..]))).CopyTo(target[i..]);
        for (; i < source.Length; i++) target[i] = SingleToHalf(source[i]);
    }

    /// <summary>One single-precision value to IEEE half-precision bits.</summary>
    public static ushort SingleToHalf(float value) =>
        float.IsNaN(value) ? (ushort)(0x7E00 | BitConverter.SingleToUInt32Bits(value) >> 16 & 0x8000) : BitConverter.HalfToUInt16Bits((Half)value);

    // Below 2^-14 the addition of 0.5 lets the unit of the sum be 2^-24, the step of subnormal halves, and rounds to nearest even on the way.
    private static Vector256<uint> ShrinkToHalf(Vector256<float> value)
    {
        var bits = value.AsUInt32();
        var sign = (bits >> 16) & Vector256.Create(0x8000u);
        var magnitude = bits & Vector256.Create(0x7FFFFFFFu);
        var half = Vector256.Create(0.5f);
        var subnormal = (magnitude.AsSingle() + half).AsUInt32() - half.AsUInt32();
        var normal = (magnitude - Vector256.Create(112u << 23) + Vector256.Create(0xFFFu) + ((magnitude >> 13) & Vector256<uint>.One)) >> 13;
        var special = Vector256.ConditionalSelect(Vector256.Equals(value, value).AsUInt32(), Vector256.Create(0x7C00u), Vector256.Create(0x7E00u));
        return sign | Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(magnitude, Vector256.Create(143u << 23)), special,
            Vector256.ConditionalSelect(Vector256.LessThan(magnitude, Vector256.Create(113u << 23)), subnormal, normal));
    }

    private static void RequireRoom(int source, int target)
    {
        if (target < source) throw new ArgumentException($"The target holds {target} values, {source} are needed.", nameof(target));
    }

    /// <summary>Rounds finite numbers to the nearest of bf16, to even where two are as near.</summary>
    internal static void RoundToBFloat16(Span<float> values)
    {
        var bits = MemoryMarshal.Cast<float, uint>(values);
        var i = 0;
        for (; i <= bits.Length - Vector<uint>.Count; i += Vector<uint>.Count)
        {
            var v = new Vector<uint>(bits[i..]);
            v = (v + new Vector<uint>(0x7FFF) + (v >>> 16 & Vector<uint>.One)) & new Vector<uint>(0xFFFF0000);
            v.CopyTo(bits[i..]);
        }
        for (; i < bits.Length; i++) bits[i] = (bits[i] + 0x7FFF + (bits[i] >> 16 & 1)) & 0xFFFF0000;
    }

    /// <summary>Rounds numbers to the nearest of fp16, to even where two are as near.</summary>
    internal static void RoundToHalf(Span<float> values)
    {
        foreach (ref var x in values) x = (float)(Half)x;
    }
}
