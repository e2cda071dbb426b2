using LowRank.Kernels.Cpu.Gemm;
using LowRank.Runtime.Interop;

namespace LowRank.Kernels.Cpu;

/// <summary>
/// Products with a stored weight, on libtorch's threads: each decodes a panel of the weight into a scratch of about two MiB and multiplies it while it lies in the
/// cache, so that no more of the weight is ever there in fp32. Results do not depend on the number of threads (<see cref="PanelCut"/>).
/// </summary>
internal static unsafe class PanelProduct
{
    /// <summary><c>y = x · Wᵀ</c>.</summary>
    /// <param name="weight">W <c>[out, in]</c>.</param>
    /// <param name="x"><c>[rows, in]</c>, contiguous.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="y">Gets <c>[rows, out]</c>, contiguous.</param>
    public static void Linear(PanelWeight weight, float* x, long rows, float* y)
    {
        var (columns, depth) = (weight.OutFeatures, checked((int)weight.InFeatures));
        if (GemmChoice.IsOwn)
        {
            PackedGemm.Run(rows, columns, [new(new(x, depth), new StoredRight(weight, isTransposed: true), depth)], y, columns);
            return;
        }
        var cut = PanelCut.Of(rows, columns, depth);
        var gemm = SingleThreadGemm.Create();
        TorchThreads.For(0, cut.Tiles, 1, (from, to) =>
        {
            using var scratch = Scratch.Rent((long)cut.Width * depth);
            using var alone = gemm.Enter();
            var decoded = -1L;
            for (var tile = from; tile < to; tile++)
            {
                var (panel, row) = (tile / cut.RowBlocks, tile % cut.RowBlocks * cut.RowBlock);
                var column = panel * cut.Width;
                var width = (int)Math.Min(cut.Width, columns - column);
                if (panel != decoded) weight.Decode(column, width, 0, depth, scratch.Floats);
                decoded = panel;
                gemm.TimesTransposed((int)Math.Min(cut.RowBlock, rows - row), width, depth, x + row * depth, depth, scratch.Floats, depth,
                    y + row * columns + column, checked((int)columns));
            }
        });
    }

    /// <summary><c>dx = dy · W</c>, or <c>dx += dy · W</c>. A panel is some columns of W; its sums run over the rows of W in steps of fixed length and order.</summary>
    /// <param name="weight">W <c>[out, in]</c>.</param>
    /// <param name="dy"><c>[rows, out]</c>, contiguous.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="add">Whether to add to what is there.</param>
    /// <param name="dx">Gets <c>[rows, in]</c>, contiguous.</param>
    public static void LinearBackward(PanelWeight weight, float* dy, long rows, bool add, float* dx)
    {
        var (columns, depth) = (weight.InFeatures, checked((int)weight.OutFeatures));
        if (GemmChoice.IsOwn)
        {
            PackedGemm.Run(rows, columns, [new(new(dy, depth), new StoredRight(weight, isTransposed: false), depth)], dx, columns, add);
            return;
        }
        var cut = PanelCut.Of(rows, columns, 1);
        var step = Math.Min(depth, cut.DepthStep);
        var gemm = SingleThreadGemm.Create();
        TorchThreads.For(0, cut.Tiles, 1, (from, to) =>
        {
            using var scratch = Scratch.Rent((long)cut.Width * step);
            using var alone = gemm.Enter();
            for (var first = from; first < to;)
            {
                // The tiles of one panel share what is decoded.
                var panel = first / cut.RowBlocks;
                var last = Math.Min(to, (panel + 1) * cut.RowBlocks);
                var column = panel * cut.Width;
                var width = (int)Math.Min(cut.Width, columns - column);
                for (var start = 0; start < depth; start += step)
                {
                    var count = Math.Min(step, depth - start);
                    weight.Decode(start, count, column, width, scratch.Floats);
                    for (var tile = first; tile < last; tile++)
                    {
                        var row = tile % cut.RowBlocks * cut.RowBlock;
                        gemm.Times((int)Math.Min(cut.RowBlock, rows - row), width, count, dy + row * depth + start, depth, scratch.Floats, width, add || start > 0,
                            dx + row * columns + column, checked((int)columns));
                    }
                }
                first = last;
            }
        });
    }
}
