namespace LowRank.Kernels.Cpu;

/// <summary>
/// How a product is cut into tiles of some rows by some columns of its result. It follows from the shape alone, never from the number of threads: sums
/// of a matrix product depend on the shape of the call, so this is what makes results the same on any number of threads.
/// </summary>
/// <param name="Rows">Rows of the result.</param>
/// <param name="RowBlock">Rows of a tile.</param>
/// <param name="Columns">Columns of the result.</param>
/// <param name="Width">Columns of a tile.</param>
internal readonly record struct PanelCut(long Rows, int RowBlock, long Columns, int Width)
{
    // Widths that fill the registers of AVX2 and AVX-512 kernels; measured, 96 by 512 already runs at nine tenths of a large product or more.
    private const int WidthStep = 96;
    private const int WantedTiles = 16;

    // Fewer rows than this are not cut; more are cut into an even number of blocks, so that two threads get the same work.
    private const int FewRows = 192;
    private const int MostRows = 512;

    // 1 MiB of fp32: decoded weights still lie in the second or third cache when they are multiplied.
    private const long PanelElements = 1 << 18;

    /// <summary>Column panels.</summary>
    public long Panels => (Columns + Width - 1) / Width;

    /// <summary>Blocks of rows.</summary>
    public long RowBlocks => (Rows + RowBlock - 1) / RowBlock;

    /// <summary>Number of tiles; those of a panel follow each other.</summary>
    public long Tiles => Panels * RowBlocks;

    /// <summary>Cuts a result <c>[rows, columns]</c> of sums over <paramref name="depth"/> products.</summary>
    public static PanelCut Of(long rows, long columns, long depth)
    {
        var pairs = (rows + 2 * MostRows - 1) / (2 * MostRows);
        var block = rows <= FewRows ? rows : (rows + 2 * pairs - 1) / (2 * pairs);
        block = Math.Max(1, (block + 7) / 8 * 8);
        var wanted = columns * ((rows + block - 1) / block) / WantedTiles;
        var width = WidthStep * Math.Max(1, Math.Min(wanted + WidthStep - 1, PanelElements / Math.Max(1, depth)) / WidthStep);
        return new(rows, (int)block, columns, (int)Math.Min(width, Math.Max(1, columns)));
    }

    /// <summary>Depth that a panel of this width is decoded for at a time.</summary>
    public int DepthStep => (int)Math.Max(WidthStep, PanelElements / Width);
}
