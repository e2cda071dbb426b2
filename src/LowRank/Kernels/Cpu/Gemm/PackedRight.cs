namespace LowRank.Kernels.Cpu.Gemm;

/// <summary>A right operand that is packed once as a whole, for products of many left operands with parts of it on one thread.</summary>
/// <param name="Data">Room for <see cref="Floats"/>.</param>
/// <param name="Depth">Its depth.</param>
internal readonly unsafe record struct PackedRight(nint Data, int Depth)
{
    /// <summary>An operand in memory of the caller's.</summary>
    public PackedRight(float* data, int depth) : this((nint)data, depth)
    {
    }

    /// <summary>Floats of an operand.</summary>
    public static long Floats(int depth, int columns) => (long)depth * ((columns + GemmTile.Columns - 1) / GemmTile.Columns * GemmTile.Columns);

    /// <summary>Packs all of it.</summary>
    public void Pack(DenseRight source, int columns) => source.Pack(0, Depth, 0, columns, (float*)Data, null);

    /// <summary>Multiplies with some columns and some of the depth.</summary>
    /// <param name="left">The left operand, from its first value.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="first">First column, the first of a strip.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="start">First place of the depth.</param>
    /// <param name="depth">Places; the left operand's depth.</param>
    /// <param name="target">The result's first value.</param>
    /// <param name="row">Elements from a row of the result to the next.</param>
    /// <param name="add">Whether to add to what is there.</param>
    /// <param name="scratch">Room for <see cref="PackedGemm.LeftFloats"/>.</param>
    public void Multiply(LeftMatrix left, int rows, int first, int columns, int start, int depth, float* target, long row, bool add, float* scratch)
    {
        for (var done = 0; done < depth; done += PackedGemm.MostDepth)
        {
            var piece = Math.Min(PackedGemm.MostDepth, depth - done);
            var right = (float*)Data + (long)first * Depth + (long)(start + done) * GemmTile.Columns;
            for (var r = 0; r < rows; r += PackedGemm.BlockRows)
            {
                var count = Math.Min(PackedGemm.BlockRows, rows - r);
                left.Pack(r, count, done, piece, scratch);
                PackedGemm.Block(count, columns, piece, scratch, right, (long)Depth * GemmTile.Columns, target + r * row, row, add || done > 0);
            }
        }
    }
}
