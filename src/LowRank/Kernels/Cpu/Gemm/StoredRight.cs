namespace LowRank.Kernels.Cpu.Gemm;

/// <summary>A stored weight as the right operand: a few of its rows at a time are decoded in the cache and packed.</summary>
/// <param name="weight">W <c>[out, in]</c>.</param>
/// <param name="isTransposed">Whether the operand is <c>Wᵀ</c>, as in the forward pass, or W, as in the backward pass.</param>
internal sealed unsafe class StoredRight(PanelWeight weight, bool isTransposed) : RightMatrix
{
    /// <inheritdoc/>
    public override long ScratchFloats(int depth, int columns) => isTransposed ? (long)GemmTile.Columns * depth : (long)StoredRows(columns) * columns;

    /// <inheritdoc/>
    public override void Pack(long start, int depth, long first, int columns, float* target, float* scratch)
    {
        if (isTransposed)
        {
            for (var c = 0; c < columns; c += GemmTile.Columns, target += (long)depth * GemmTile.Columns)
            {
                var count = Math.Min(GemmTile.Columns, columns - c);
                weight.Decode(first + c, count, start, depth, scratch);
                TurnStrip(scratch, depth, count, depth, 1, target);
            }
            return;
        }
        var step = StoredRows(columns);
        for (var k = 0; k < depth; k += step)
        {
            var rows = Math.Min(step, depth - k);
            weight.Decode(start + k, rows, first, columns, scratch);
            for (var c = 0; c < columns; c += GemmTile.Columns)
                CopyStrip(scratch + c, columns, Math.Min(GemmTile.Columns, columns - c), rows, 1, target + (long)c * depth + (long)k * GemmTile.Columns);
        }
    }

    // Decoded rows of 32 KiB at most, or one.
    private static int StoredRows(int columns) => Math.Clamp((1 << 13) / columns, 1, 16);
}
