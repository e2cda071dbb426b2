using System.Runtime.Intrinsics;

namespace LowRank.Kernels.Cpu.Gemm;

/// <summary>The right operand of a product, <c>[depth, columns]</c>. Several threads may pack from it at the same time.</summary>
internal abstract unsafe class RightMatrix
{
    /// <summary>Floats that packing needs beside the result.</summary>
    /// <param name="depth">Places of the depth.</param>
    /// <param name="columns">Columns.</param>
    public virtual long ScratchFloats(int depth, int columns) => 0;

    /// <summary>Packs a block into strips of 16 columns, <c>[depth, 16]</c> each, columns past the end as zeros.</summary>
    /// <param name="start">First place of the depth.</param>
    /// <param name="depth">Places.</param>
    /// <param name="first">First column.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="target">Gets the strips, one after another.</param>
    /// <param name="scratch">Room for <see cref="ScratchFloats"/>.</param>
    public abstract void Pack(long start, int depth, long first, int columns, float* target, float* scratch);

    /// <summary>Packs a strip of at most 16 columns that is stored as <c>[columns, depth]</c>.</summary>
    protected static void TurnStrip(float* source, long row, int columns, int depth, float scale, float* target)
    {
        var by = Vector256.Create(scale);
        var k = 0;
        for (; k <= depth - 8; k += 8)
        {
            var to = target + (long)k * GemmTile.Columns;
            Transpose8.Run(source + k, row, Math.Min(8, columns), to, GemmTile.Columns, by);
            if (columns > 8)
                Transpose8.Run(source + 8 * row + k, row, columns - 8, to + 8, GemmTile.Columns, by);
            else
                for (var i = 0; i < 8; i++) Vector256<float>.Zero.Store(to + i * GemmTile.Columns + 8);
        }
        for (; k < depth; k++)
            for (var c = 0; c < GemmTile.Columns; c++) target[(long)k * GemmTile.Columns + c] = c < columns ? source[c * row + k] * scale : 0;
    }

    /// <summary>Packs <paramref name="depth"/> rows of at most 16 columns that are stored as <c>[depth, columns]</c>.</summary>
    protected static void CopyStrip(float* source, long row, int columns, int depth, float scale, float* target)
    {
        var by = Vector256.Create(scale);
        for (var k = 0; k < depth; k++, source += row, target += GemmTile.Columns)
        {
            if (columns == GemmTile.Columns)
            {
                (Vector256.Load(source) * by).Store(target);
                (Vector256.Load(source + 8) * by).Store(target + 8);
                continue;
            }
            for (var c = 0; c < GemmTile.Columns; c++) target[c] = c < columns ? source[c] * scale : 0;
        }
    }
}
