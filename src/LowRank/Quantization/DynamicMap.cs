using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LowRank.Quantization;

/// <summary>
/// The 256 values of bitsandbytes' 8-bit dynamic data type (Dettmers 2022, arXiv 2110.02861, section 1.3; <c>create_dynamic_map</c> with 7 exponent bits): seven decades
/// below 1, each with twice the values of the one below it, zero and one. Block-wise 8-bit optimizer states and the doubly quantized scales of 4-bit weights
/// hold indices into it. Nearest means the smaller distance; a value halfway between two takes the lower.
/// </summary>
internal sealed class DynamicMap
{
    /// <summary>Number of values.</summary>
    public const int Size = 256;

    private const int Decades = 7;

    // A cell of the search is a float's exponent and the upper 7 bits of its mantissa: at most one border between codes falls into it.
    public const int CellShift = 16;

    // Below 2^-24 no border lies: all smaller magnitudes share one cell, and all from 1 on another.
    public const int FirstCell = (127 - 24) << 7;
    public const int Cells = (127 << 7) - FirstCell + 1;

    // A gather of bytes reads four at a time.
    private const int GatherTail = 3;

    private readonly float[] values;
    private readonly float[] borders = GC.AllocateArray<float>(Size, pinned: true);
    private readonly byte[] lowest = GC.AllocateArray<byte>(2 * Cells + GatherTail, pinned: true);

    private DynamicMap(float[] sorted)
    {
        values = sorted;
        for (var i = 0; i < Size - 1; i++) borders[i] = (values[i] + values[i + 1]) / 2;
        borders[^1] = float.PositiveInfinity;
        for (var cell = 0; cell < Cells; cell++)
        {
            var below = cell == 0 ? 0 : BitConverter.Int32BitsToSingle((FirstCell + cell) << CellShift);
            var above = BitConverter.Int32BitsToSingle(((FirstCell + cell + 1) << CellShift) - 1);
            lowest[cell] = LowestOf(below, above);
            lowest[Cells + cell] = LowestOf(-above, -below);
        }
    }

    /// <summary>The map of values of either sign: −0.99 to 1.</summary>
    public static DynamicMap Signed { get; } = new(Values(signed: true));

    /// <summary>The map of values that are not negative: 0 to 1, with twice the resolution.</summary>
    public static DynamicMap Unsigned { get; } = new(Values(signed: false));

    /// <summary>The values in ascending order: a code is an index into them. In pinned memory.</summary>
    public ReadOnlySpan<float> AscendingValues => values;

    /// <summary>Borders between codes: a value above border i has a code above i. In pinned memory; the last is infinite.</summary>
    public ReadOnlySpan<float> Borders => borders;

    /// <summary>The lowest code of each cell, first those of positive values, then those of negative ones. In pinned memory, with 3 bytes behind the last.</summary>
    public ReadOnlySpan<byte> Lowest => lowest;

    /// <summary>The code of the value nearest to <paramref name="x"/>, which is at most 1 in magnitude.</summary>
    public byte Nearest(float x)
    {
        int code = lowest[CellOf(x)];
        return (byte)(x > borders[code] ? code + 1 : code);
    }

    /// <summary>The cell of <see cref="Lowest"/> in which a number lies.</summary>
    public static int CellOf(float x)
    {
        var bits = BitConverter.SingleToInt32Bits(x);
        return Math.Clamp(((bits & int.MaxValue) >> CellShift) - FirstCell, 0, Cells - 1) + (bits < 0 ? Cells : 0);
    }

    /// <summary>The codes of the values nearest to eight numbers; as <see cref="Nearest(float)"/>. For processors with AVX2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<int> Nearest(Vector256<float> x, byte* lowest, float* borders)
    {
        var bits = x.AsInt32();
        var cell = ((bits & Vector256.Create(int.MaxValue)) >> CellShift) - Vector256.Create(FirstCell);
        cell = Vector256.Max(Vector256.Min(cell, Vector256.Create(Cells - 1)), Vector256<int>.Zero) + ((bits >> 31) & Vector256.Create(Cells));
        var code = Avx2.GatherVector256((int*)lowest, cell, 1) & Vector256.Create(255);
        return code - Vector256.GreaterThan(x, Avx2.GatherVector256(borders, code, 4)).AsInt32();
    }

    // In the order of operations, and in the precisions, of create_dynamic_map over torch.linspace.
    private static float[] Values(bool signed)
    {
        var sorted = GC.AllocateArray<float>(Size, pinned: true);
        var n = 0;
        for (var decade = 0; decade < Decades; decade++)
        {
            var steps = signed ? 1 << decade : 2 << decade;
            var scale = (float)Math.Pow(10, decade - (Decades - 1));
            for (var i = 0; i < steps; i++)
            {
                var value = scale * ((Boundary(i, steps) + Boundary(i + 1, steps)) / 2);
                sorted[n++] = value;
                if (signed) sorted[n++] = -value;
            }
        }
        sorted[n++] = 0;
        sorted[n] = 1;
        Array.Sort(sorted);
        return sorted;
    }

    // torch.linspace(0.1, 1, steps + 1): from the nearer end, one fused multiply-add.
    private static float Boundary(int i, int steps)
    {
        var step = (1 - 0.1f) / steps;
        return i < (steps + 1) / 2 ? MathF.FusedMultiplyAdd(step, i, 0.1f) : MathF.FusedMultiplyAdd(-step, steps - i, 1);
    }

    private byte LowestOf(float from, float to)
    {
        var code = 0;
        while (from > borders[code]) code++;
        if (code < Size - 2 && to > borders[code + 1]) throw new InvalidOperationException($"Two borders of the dynamic map lie between {from} and {to}.");
        return (byte)code;
    }
}
