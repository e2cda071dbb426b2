using System.Runtime.Intrinsics;

namespace LowRank.Kernels.Cpu.Gemm;

/// <summary>The left operand of a product, <c>[rows, depth]</c>, in fp32.</summary>
/// <param name="Data">The first value.</param>
/// <param name="Row">Elements from a stored row to the next.</param>
/// <param name="IsTransposed">Whether it is stored as <c>[depth, rows]</c>.</param>
internal readonly unsafe record struct LeftMatrix(nint Data, long Row, bool IsTransposed = false)
{
    /// <summary>A view of memory.</summary>
    public LeftMatrix(float* data, long row, bool isTransposed = false) : this((nint)data, row, isTransposed)
    {
    }

    /// <summary>Floats that <see cref="Pack"/> writes beyond the last strip: its vectors are wider than a strip.</summary>
    public const int Overrun = 8 - GemmTile.Rows;

    /// <summary>Packs a block into strips of 6 rows, <c>[depth, 6]</c> each, rows past the end as zeros.</summary>
    /// <param name="first">First row.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="start">First place of the depth.</param>
    /// <param name="depth">Places.</param>
    /// <param name="target">Gets the strips one after another, and <see cref="Overrun"/> floats more.</param>
    public void Pack(long first, int rows, long start, int depth, float* target)
    {
        for (var r = 0; r < rows; r += GemmTile.Rows, target += (long)depth * GemmTile.Rows)
        {
            var count = Math.Min(GemmTile.Rows, rows - r);
            if (IsTransposed) CopyStrip((float*)Data + start * Row + first + r, count, depth, target);
            else TurnStrip((float*)Data + (first + r) * Row + start, count, depth, target);
        }
    }

    private void TurnStrip(float* source, int count, int depth, float* target)
    {
        var k = 0;
        // Vectors of 8 at every sixth float: the two that are too many are overwritten by the next.
        for (; k <= depth - 8; k += 8) Transpose8.Run(source + k, Row, count, target + (long)k * GemmTile.Rows, GemmTile.Rows, Vector256<float>.One);
        for (; k < depth; k++)
            for (var r = 0; r < GemmTile.Rows; r++) target[(long)k * GemmTile.Rows + r] = r < count ? source[r * Row + k] : 0;
    }

    private void CopyStrip(float* source, int count, int depth, float* target)
    {
        for (var k = 0; k < depth; k++, source += Row, target += GemmTile.Rows)
        {
            if (count == GemmTile.Rows)
            {
                Vector128.Load(source).Store(target);
                *(double*)(target + 4) = *(double*)(source + 4);
                continue;
            }
            for (var r = 0; r < GemmTile.Rows; r++) target[r] = r < count ? source[r] : 0;
        }
    }
}
