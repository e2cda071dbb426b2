namespace LowRank.Formats;

/// <summary>Exchanges rows and columns of a matrix in memory, for checkpoints that store them the other way round.</summary>
internal static unsafe class MatrixTranspose
{
    private const long Tile = 32;

    /// <summary>Writes the transpose of <paramref name="from"/> <c>[rows, columns]</c>.</summary>
    /// <param name="from">The matrix.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="elementSize">Bytes of an element, 2 or 4.</param>
    /// <param name="to">Receives <c>[columns, rows]</c>; another memory.</param>
    public static void Run(byte* from, long rows, long columns, int elementSize, byte* to)
    {
        switch (elementSize)
        {
            case 2:
                Tiles((ushort*)from, rows, columns, (ushort*)to);
                break;
            case 4:
                Tiles((uint*)from, rows, columns, (uint*)to);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(elementSize), elementSize, "Elements have 2 or 4 bytes.");
        }
    }

    // Square tiles, so that both sides stay within some cache lines.
    private static void Tiles<T>(T* from, long rows, long columns, T* to)
        where T : unmanaged => Parallel.For(0, (columns + Tile - 1) / Tile, tile =>
    {
        var (first, last) = (tile * Tile, Math.Min(columns, (tile + 1) * Tile));
        for (long top = 0; top < rows; top += Tile)
        {
            var bottom = Math.Min(rows, top + Tile);
            for (var column = first; column < last; column++)
                for (var row = top; row < bottom; row++) to[column * rows + row] = from[row * columns + column];
        }
    });
}
