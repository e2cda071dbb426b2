namespace LowRank.Kernels.Cpu;

/// <summary>A stored weight matrix that gives pieces of its rows in fp32. Any thread may ask at the same time.</summary>
internal abstract unsafe class PanelWeight(long outFeatures, long inFeatures)
{
    /// <summary>Rows of the matrix.</summary>
    public long OutFeatures { get; } = outFeatures;

    /// <summary>Columns of the matrix.</summary>
    public long InFeatures { get; } = inFeatures;

    /// <summary>Columns <paramref name="column"/> to <c>column + columns</c> of some rows, one after another: <c>[rows, columns]</c>.</summary>
    public abstract void Decode(long row, int rows, long column, int columns, float* target);
}
