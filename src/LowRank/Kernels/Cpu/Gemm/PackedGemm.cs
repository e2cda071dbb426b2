using LowRank.Runtime.Interop;

namespace LowRank.Kernels.Cpu.Gemm;

/// <summary>
/// Sums of fp32 matrix products whose right operands may be stored weights: the decoded values go straight into the form that the innermost product reads, once for each
/// thread's part of the result, and the result is written once however many products are added up. A value is a sum over pieces of the depth in order, each a chain
/// of fused multiply-adds; the pieces follow from the depth alone, so results depend neither on the number of threads nor on what else is in the batch.
/// </summary>
internal static unsafe class PackedGemm
{
    /// <summary>Depth of the longest pieces of sums: a strip of the right operand of this depth takes 36 KiB, and longer pieces write the result less often.</summary>
    public const int MostDepth = 576;

    // Whole 4-bit blocks.
    private const int DepthStep = 64;

    /// <summary>Rows of a block of the left operand: 220 KiB at the full depth lie in the second cache.</summary>
    public const int BlockRows = 96;

    /// <summary>Floats of a packed block of the left operand.</summary>
    public const int LeftFloats = BlockRows * MostDepth + LeftMatrix.Overrun;

    // 2 MiB of the right operand lie in the third cache.
    private const int BlockFloats = 1 << 19;

    // Multiply-adds worth a thread.
    private const long Grain = 1 << 18;

    // Packing a value of the right operand takes about half as long again as one of the left: it is decoded first.
    private const double RightCost = 1.5;

    /// <summary>Computes the sum of <paramref name="terms"/> on libtorch's threads.</summary>
    /// <param name="rows">Rows of the result.</param>
    /// <param name="columns">Columns of the result.</param>
    /// <param name="terms">The products.</param>
    /// <param name="target">The result's first value.</param>
    /// <param name="row">Elements from a row of the result to the next.</param>
    /// <param name="add">Whether to add to what is there.</param>
    public static void Run(long rows, long columns, GemmTerm[] terms, float* target, long row, bool add = false)
    {
        if (rows <= 0 || columns <= 0) return;
        var depth = 0L;
        foreach (var term in terms) depth += term.Depth;
        var threads = (int)Math.Clamp(rows * columns * depth / Grain, 1, TorchThreads.Count);
        var (down, across) = Grid(rows, columns, threads);
        TorchThreads.For(0, down * across, 1, (from, to) =>
        {
            for (var part = from; part < to; part++)
            {
                var (top, bottom) = Part(rows, GemmTile.Rows, down, part / across);
                var (left, right) = Part(columns, GemmTile.Columns, across, part % across);
                if (top < bottom && left < right) Region(top, bottom, left, right, terms, target, row, add);
            }
        });
    }

    private static void Region(long top, long bottom, long left, long right, ReadOnlySpan<GemmTerm> terms, float* target, long row, bool add)
    {
        int deepest = 0, width = 0;
        foreach (var term in terms) deepest = Math.Max(deepest, Piece(term.Depth));
        width = (int)Math.Min(RoundUp(right - left, GemmTile.Columns), Math.Max(GemmTile.Columns, BlockFloats / Math.Max(1, deepest) / GemmTile.Columns * GemmTile.Columns));
        // Equal blocks rather than a narrow last one.
        var blocks = (right - left + width - 1) / width;
        width = (int)RoundUp((right - left + blocks - 1) / blocks, GemmTile.Columns);
        long spare = 0;
        foreach (var term in terms) spare = Math.Max(spare, term.Right.ScratchFloats(Piece(term.Depth), width));
        var rightFloats = (long)width * deepest;
        var leftFloats = RoundUp(RoundUp(Math.Min(BlockRows, bottom - top), GemmTile.Rows) * deepest + LeftMatrix.Overrun, 16);
        using var scratch = Scratch.Rent(rightFloats + leftFloats + spare);
        float* packedRight = scratch.Floats, packedLeft = packedRight + rightFloats, room = packedLeft + leftFloats;
        for (var column = left; column < right; column += width)
        {
            var columns = (int)Math.Min(width, right - column);
            var adds = add;
            foreach (var term in terms)
            {
                var piece = Piece(term.Depth);
                for (long start = 0; start < term.Depth; start += piece)
                {
                    var depth = (int)Math.Min(piece, term.Depth - start);
                    term.Right.Pack(start, depth, column, columns, packedRight, room);
                    for (var first = top; first < bottom; first += BlockRows)
                    {
                        var rows = (int)Math.Min(BlockRows, bottom - first);
                        term.Left.Pack(first, rows, start, depth, packedLeft);
                        Block(rows, columns, depth, packedLeft, packedRight, (long)depth * GemmTile.Columns, target + first * row + column, row, adds);
                    }
                    adds = true;
                }
            }
        }
    }

    /// <summary>Multiplies packed operands. A strip of the right one stays in the first cache while the strips of the left one pass by.</summary>
    /// <param name="rows">Rows of the result.</param>
    /// <param name="columns">Columns of the result.</param>
    /// <param name="depth">Length of the sums.</param>
    /// <param name="left">Strips of 6 rows, <c>[depth, 6]</c> each.</param>
    /// <param name="right">Strips of 16 columns, <c>[depth, 16]</c> each.</param>
    /// <param name="strip">Floats from a strip of the right operand to the next.</param>
    /// <param name="target">The result's first value.</param>
    /// <param name="row">Elements from a row of the result to the next.</param>
    /// <param name="add">Whether to add to what is there.</param>
    public static void Block(int rows, int columns, int depth, float* left, float* right, long strip, float* target, long row, bool add)
    {
        for (var c = 0; c < columns; c += GemmTile.Columns, right += strip)
        {
            var width = Math.Min(GemmTile.Columns, columns - c);
            for (var r = 0; r < rows; r += GemmTile.Rows)
                GemmTile.Run(depth, left + (long)r * depth, right, target + r * row + c, row, Math.Min(GemmTile.Rows, rows - r), width, add);
        }
    }

    private static int Piece(long depth)
    {
        var pieces = (depth + MostDepth - 1) / MostDepth;
        return pieces <= 1 ? (int)depth : (int)RoundUp((depth + pieces - 1) / pieces, DepthStep);
    }

    // Of the ways to cut the result among the threads, the one that packs least.
    private static (int Down, int Across) Grid(long rows, long columns, int threads)
    {
        var (best, cost) = ((threads, 1), double.MaxValue);
        for (var across = 1; across <= threads; across++)
        {
            var down = threads / across;
            if (down * across != threads || across > (columns + GemmTile.Columns - 1) / GemmTile.Columns || down > (rows + GemmTile.Rows - 1) / GemmTile.Rows) continue;
            var packed = across * (double)rows + RightCost * down * columns;
            if (packed < cost) (best, cost) = ((down, across), packed);
        }
        return best;
    }

    // Strips are not cut.
    private static (long Start, long End) Part(long length, int strip, long parts, long part)
    {
        var strips = (length + strip - 1) / strip;
        return (Math.Min(length, strips * part / parts * strip), Math.Min(length, strips * (part + 1) / parts * strip));
    }

    private static long RoundUp(long n, long step) => (n + step - 1) / step * step;
}
