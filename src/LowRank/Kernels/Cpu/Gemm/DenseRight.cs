namespace LowRank.Kernels.Cpu.Gemm;

/// <summary>A right operand in fp32, times a factor.</summary>
/// <param name="data">The first value.</param>
/// <param name="row">Elements from a stored row to the next.</param>
/// <param name="isTransposed">Whether it is stored as <c>[columns, depth]</c>.</param>
/// <param name="scale">The factor.</param>
internal sealed unsafe class DenseRight(float* data, long row, bool isTransposed, float scale = 1) : RightMatrix
{
    /// <inheritdoc/>
    public override void Pack(long start, int depth, long first, int columns, float* target, float* scratch)
    {
        for (var c = 0; c < columns; c += GemmTile.Columns, target += (long)depth * GemmTile.Columns)
        {
            var count = Math.Min(GemmTile.Columns, columns - c);
            if (isTransposed) TurnStrip(data + (first + c) * row + start, row, count, depth, scale, target);
            else CopyStrip(data + start * row + first + c, row, count, depth, scale, target);
        }
    }
}
