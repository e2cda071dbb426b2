using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LowRank.Formats;

/// <summary>
/// Encodes one block of 256 values as Q4_K, Q5_K or Q6_K. The layouts are those of llama.cpp (<c>ggml-common.h</c>), the choice of scales is our own: it looks
/// for the least sum of squared errors.
/// </summary>
/// <remarks>
/// A block has one half-precision unit for the scales of its groups, and each group a whole number of that unit. The search goes in two passes. First each
/// group alone: several grids from just inside to just outside the range of its values; for each, the values are rounded to the grid, scale and minimum that fit
/// those levels best follow by least squares, and the values are rounded again. Then the units are taken from the largest scale and minimum, and each group tries the
/// whole numbers around its own best, judged by the error with the stored numbers. Vectors of 8 lanes, no fused multiply-add: every processor gives the same bytes.
/// </remarks>
internal static unsafe class GgufSearchedBlocks
{
    private const int Values = 256;

    // Levels beyond (or short of) those of the plain range, by which a grid is finer (or coarser). A finer grid cuts the outermost values off. The plain one comes first and
    // wins where several fit exactly: its scale of equal values is the one that half precision most often holds.
    private static readonly float[] finer = [0, -1.2f, -0.8f, -0.4f, 0.4f, 0.8f, 1.2f, 1.8f, 2.4f, 3.2f, 4];

    public static void Q4_K(float* x, byte* block)
    {
        var q = stackalloc byte[Values];
        ScalesAndMinimums(x, 15, block, q);
        Nibbles(q, block + 16);
    }

    public static void Q5_K(float* x, byte* block)
    {
        var q = stackalloc byte[Values];
        ScalesAndMinimums(x, 31, block, q);
        // Bit g of byte j is the fifth bit of value j of group g.
        for (var j = 0; j < 32; j++)
        {
            var high = 0;
            for (var group = 0; group < 8; group++) high |= q[group * 32 + j] >> 4 << group;
            block[16 + j] = (byte)high;
        }
        Nibbles(q, block + 48);
    }

    public static void Q6_K(float* x, byte* block)
    {
        var scales = stackalloc float[16];
        var largest = 0f;
        for (var g = 0; g < 16; g++)
        {
            scales[g] = SymmetricScale(x + g * 16);
            if (Math.Abs(scales[g]) > Math.Abs(largest)) largest = scales[g];
        }
        // The largest becomes -128, the one number of a signed byte without a counterpart.
        var unit = GgufRoundedBlocks.Half(largest / -128, block + 208);
        var q = stackalloc byte[Values];
        for (var g = 0; g < 16; g++)
        {
            var near = Whole(scales[g], unit, -128, 127);
            var (best, least) = (near, float.PositiveInfinity);
            for (var s = Math.Max(near - 2, -128); s <= Math.Min(near + 2, 127); s++)
            {
                var error = Levels(x + g * 16, 16, unit * s, 0, -32, 31, null);
                if (error < least) (best, least) = (s, error);
            }
            block[192 + g] = (byte)(sbyte)best;
            Levels(x + g * 16, 16, unit * best, 0, -32, 31, q + g * 16);
        }
        for (var half = 0; half < 2; half++)
        {
            byte* v = q + half * 128, low = block + half * 64, high = block + 128 + half * 32;
            for (var l = 0; l < 32; l++)
            {
                low[l] = (byte)(v[l] & 0xF | (v[l + 64] & 0xF) << 4);
                low[l + 32] = (byte)(v[l + 32] & 0xF | (v[l + 96] & 0xF) << 4);
                high[l] = (byte)(v[l] >> 4 | v[l + 32] >> 4 << 2 | v[l + 64] >> 4 << 4 | v[l + 96] >> 4 << 6);
            }
        }
    }

    /// <summary>Writes the two units and the 12 bytes of scales and minimums of Q4_K and Q5_K, and gives the levels.</summary>
    private static void ScalesAndMinimums(float* x, int top, byte* block, byte* q)
    {
        float* scales = stackalloc float[8], minimums = stackalloc float[8];
        float largestScale = 0, largestMinimum = 0;
        for (var g = 0; g < 8; g++)
        {
            (scales[g], minimums[g]) = ScaleAndMinimum(x + g * 32, top);
            (largestScale, largestMinimum) = (Math.Max(largestScale, scales[g]), Math.Max(largestMinimum, minimums[g]));
        }
        // The largest of a block is 63 units, the finest; or as many as half precision holds with the least rounding, which matters where the groups are alike.
        int* chosen = stackalloc int[16], tried = stackalloc int[16];
        var (scaleUnit, minimumUnit) = (Half(largestScale / 63), Half(largestMinimum / 63));
        var least = Choose(x, top, scaleUnit, minimumUnit, scales, minimums, chosen);
        var (otherScale, otherMinimum) = (LeastRounded(largestScale), LeastRounded(largestMinimum));
        if (least > 0 && (otherScale != scaleUnit || otherMinimum != minimumUnit) && Choose(x, top, otherScale, otherMinimum, scales, minimums, tried) < least)
        {
            chosen = tried;
            (scaleUnit, minimumUnit) = (otherScale, otherMinimum);
        }
        GgufRoundedBlocks.Half(scaleUnit, block);
        GgufRoundedBlocks.Half(minimumUnit, block + 2);
        Pack(chosen, block + 4);
        for (var g = 0; g < 8; g++) Levels(x + g * 32, 32, scaleUnit * chosen[g], minimumUnit * chosen[g + 8], 0, top, q + g * 32);
    }

    private static float Choose(float* x, int top, float scaleUnit, float minimumUnit, float* scales, float* minimums, int* chosen)
    {
        var all = 0f;
        for (var g = 0; g < 8; g++)
        {
            (chosen[g], chosen[g + 8], var error) = Nearest(x + g * 32, top, scaleUnit, minimumUnit, Whole(scales[g], scaleUnit, 0, 63), Whole(minimums[g], minimumUnit, 0, 63));
            all += error;
        }
        return all;
    }

    private static float LeastRounded(float largest)
    {
        var (best, least) = (0f, float.PositiveInfinity);
        for (var units = 63; units >= 56; units--)
        {
            var unit = Half(largest / units);
            var error = Math.Abs(unit * units - largest);
            if (error < least) (best, least) = (unit, error);
        }
        return best;
    }

    // Scales and minimums of the first four groups have six bits of a byte each; the upper bits of theirs hold those of the last four.
    private static void Pack(int* chosen, byte* packed)
    {
        new Span<byte>(packed, 12).Clear();
        for (var g = 0; g < 8; g++)
        {
            var (scale, minimum) = (chosen[g], chosen[g + 8]);
            if (g < 4)
            {
                packed[g] |= (byte)scale;
                packed[g + 4] |= (byte)minimum;
            }
            else
            {
                packed[g + 4] = (byte)(scale & 0xF | (minimum & 0xF) << 4);
                packed[g - 4] |= (byte)(scale >> 4 << 6);
                packed[g] |= (byte)(minimum >> 4 << 6);
            }
        }
    }

    private static float Half(float value) => FloatConversion.HalfToSingle(FloatConversion.SingleToHalf(value));

    private static (int Scale, int Minimum, float Error) Nearest(float* x, int top, float scaleUnit, float minimumUnit, int scale, int minimum)
    {
        var (best, least) = ((scale, minimum), float.PositiveInfinity);
        for (var s = Math.Max(scale - 1, 0); s <= Math.Min(scale + 1, 63); s++)
            for (var m = Math.Max(minimum - 1, 0); m <= Math.Min(minimum + 1, 63); m++)
            {
                var error = Levels(x, 32, scaleUnit * s, minimumUnit * m, 0, top, null);
                if (error < least) (best, least) = ((s, m), error);
            }
        return (best.scale, best.minimum, least);
    }

    // x is near scale * q - minimum with q from 0 to top; neither is negative.
    private static (float Scale, float Minimum) ScaleAndMinimum(float* x, int top)
    {
        float low = 0, high = x[0], sum = 0;
        for (var j = 0; j < 32; j++) (low, high, sum) = (Math.Min(low, x[j]), Math.Max(high, x[j]), sum + x[j]);
        // All the same and not above zero: the minimum says it.
        if (high <= low) return (0, -low);
        var (best, least) = (((high - low) / top, -low), float.PositiveInfinity);
        foreach (var more in finer)
        {
            var (scale, minimum) = ((high - low) / (top + more), -low);
            for (var round = 0; round < 3; round++)
            {
                if (!(scale > 0)) break;
                var error = Sums(x, 32, scale, minimum, 0, top, out var q, out var qq, out var xq);
                if (error < least) (best, least) = ((scale, minimum), error);
                var spread = 32 * qq - q * q;
                if (!(spread > 0)) break;
                scale = (32 * xq - sum * q) / spread;
                minimum = (scale * q - sum) / 32;
                if (minimum < 0) (scale, minimum) = (xq / qq, 0);
            }
        }
        return best;
    }

    // x is near scale * q with q from -32 to 31; a negative scale puts the longer side of the range to the other end.
    private static float SymmetricScale(float* x)
    {
        var largest = 0f;
        for (var j = 0; j < 16; j++)
            if (Math.Abs(x[j]) > Math.Abs(largest)) largest = x[j];
        if (largest == 0) return 0;
        var (best, least) = (largest / -32, float.PositiveInfinity);
        foreach (var more in finer)
            for (var end = -32; end <= 31; end += 63)
            {
                var scale = largest / (end + Math.Sign(end) * more);
                for (var round = 0; round < 3; round++)
                {
                    var error = Sums(x, 16, scale, 0, -32, 31, out _, out var qq, out var xq);
                    if (error < least) (best, least) = (scale, error);
                    if (!(qq > 0) || xq == 0) break;
                    scale = xq / qq;
                }
            }
        return best;
    }

    private static int Whole(float value, float unit, int low, int high) => unit == 0 ? 0 : (int)Math.Clamp(MathF.Round(value / unit), low, high);

    /// <summary>Rounds values to a grid: the squared error, and the sums of levels q, of q squared and of x times q.</summary>
    private static float Sums(float* x, int count, float scale, float minimum, int bottom, int top, out float q, out float qq, out float xq)
    {
        var (inverse, shift, step) = (Vector256.Create(1 / scale), Vector256.Create(minimum), Vector256.Create(scale));
        Vector256<float> sumQ = default, sumQQ = default, sumXQ = default, squares = default;
        for (var j = 0; j < count; j += 8)
        {
            var value = Vector256.Load(x + j);
            var level = Level(value, shift, inverse, bottom, top);
            var difference = value + shift - step * level;
            sumQ += level;
            sumQQ += level * level;
            sumXQ += value * level;
            squares += difference * difference;
        }
        (q, qq, xq) = (Sum(sumQ), Sum(sumQQ), Sum(sumXQ));
        return Sum(squares);
    }

    /// <summary>Rounds values to the grid of stored numbers: the squared error, and the levels counted from the bottom where <paramref name="q"/> is given.</summary>
    private static float Levels(float* x, int count, float scale, float minimum, int bottom, int top, byte* q)
    {
        var (inverse, shift, step) = (Vector256.Create(scale == 0 ? 0 : 1 / scale), Vector256.Create(minimum), Vector256.Create(scale));
        Vector256<float> squares = default;
        var first = Vector256.Create(bottom);
        for (var j = 0; j < count; j += 8)
        {
            var value = Vector256.Load(x + j);
            var level = Level(value, shift, inverse, bottom, top);
            var difference = value + shift - step * level;
            squares += difference * difference;
            if (q == null) continue;
            var whole = Vector256.ConvertToInt32(level) - first;
            for (var i = 0; i < 8; i++) q[j + i] = (byte)whole.GetElement(i);
        }
        return Sum(squares);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Level(Vector256<float> value, Vector256<float> shift, Vector256<float> inverse, int bottom, int top) =>
        Vector256.Min(Vector256.Max(Vector256.Round((value + shift) * inverse), Vector256.Create((float)bottom)), Vector256.Create((float)top));

    // In an order of its own, so that every processor rounds alike.
    private static float Sum(Vector256<float> v)
    {
        var half = v.GetLower() + v.GetUpper();
        return half.GetElement(0) + half.GetElement(2) + (half.GetElement(1) + half.GetElement(3));
    }

    // 64 values share 32 bytes: the low four bits of the first 32 come first.
    private static void Nibbles(byte* q, byte* to)
    {
        for (var j = 0; j < Values; j += 64)
            for (var l = 0; l < 32; l++) *to++ = (byte)(q[j + l] & 0xF | (q[j + l + 32] & 0xF) << 4);
    }
}
