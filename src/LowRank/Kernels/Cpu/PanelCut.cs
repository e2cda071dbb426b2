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
    // Narrower panels and fewer rows cost matrix kernels speed: 96 by 128 runs at nine tenths of a large product.
    private const int LeastWidth = 96;
    private const int LeastRows = 128;
    private const int MostRows = 512;

    // Half a 4-bit block: a panel that begins elsewhere would split the vectors of the decoder.
    private const int WidthStep = 32;

    // As many tiles as a small weight is cut into, so that several threads have work; more would make them too small. A matrix kernel copies the rows once for each panel, so
    // they are cut before the columns: 2 panels of SmolLM2's weights instead of 8 make a training step faster by a tenth.
    private const int WantedTiles = 4;
    private const int WantedPanels = 2;

    // 2 MiB of fp32: decoded weights still lie in the third cache when they are multiplied. With half of it SmolLM2's down projection takes four panels instead of two.
    private const long PanelElements = 1 << 19;

    /// <summary>Column panels.</summary>
    public long Panels => (Columns + Width - 1) / Width;

    /// <summary>Blocks of rows.</summary>
    public long RowBlocks => (Rows + RowBlock - 1) / RowBlock;

    /// <summary>Number of tiles; those of a panel follow each other.</summary>
    public long Tiles => Panels * RowBlocks;

    /// <summary>Cuts a result <c>[rows, columns]</c> of sums over <paramref name="depth"/> products.</summary>
    public static PanelCut Of(long rows, long columns, long depth)
    {
        var target = Math.Max(LeastWidth, Math.Min(columns / WantedPanels, PanelElements / Math.Max(1, depth)));
        // Even numbers of panels and blocks, so that two threads get the same work.
        var panels = Even((columns + target - 1) / target);
        var width = RoundUp((columns + panels - 1) / panels, WidthStep);
        panels = (columns + width - 1) / width;
        var blocks = rows <= MostRows ? 1 : Even((rows + MostRows - 1) / MostRows);
        while (panels * blocks < WantedTiles && rows / (2 * blocks) >= LeastRows) blocks *= 2;
        return new(rows, (int)RoundUp(Math.Max(1, (rows + blocks - 1) / blocks), 8), columns, (int)Math.Min(width, columns));
    }

    private static long Even(long n) => n <= 1 ? n : RoundUp(n, 2);

    private static long RoundUp(long n, long step) => (n + step - 1) / step * step;

    /// <summary>Depth that a panel of this width is decoded for at a time.</summary>
    public int DepthStep => (int)Math.Max(LeastWidth, PanelElements / Width);
}
