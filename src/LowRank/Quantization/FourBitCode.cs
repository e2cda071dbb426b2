namespace LowRank.Quantization;

/// <summary>
/// The table of a <see cref="FourBitType"/>. A value takes the code whose value is nearest; the borders between neighbours are their midpoints in fp32, and a value on a
/// border takes the lower neighbour, as in bitsandbytes (functional.py <c>get_4bit_type</c>; the numbers are those of its kernels).
/// </summary>
internal sealed class FourBitCode
{
    /// <summary>Number of codes.</summary>
    public const int Size = 16;

    private readonly float[] values = GC.AllocateArray<float>(Size, pinned: true);
    private readonly float[] borders = GC.AllocateArray<float>(Size, pinned: true);
    private readonly float[] halving = GC.AllocateArray<float>(24, pinned: true);
    private readonly byte[] byRank = GC.AllocateArray<byte>(Size, pinned: true);

    private FourBitCode(string name, ReadOnlySpan<float> table)
    {
        Name = name;
        table.CopyTo(values);
        byte[] order = [.. Enumerable.Range(0, Size).OrderBy(c => values[c]).ThenBy(c => c).Select(c => (byte)c)];
        order.CopyTo(byRank, 0);
        for (var i = 0; i < Size - 1; i++) borders[i] = (values[order[i]] + values[order[i + 1]]) / 2;
        borders[^1] = float.PositiveInfinity;
        foreach (var (at, start, step) in ((int, int, int)[])[(0, 3, 8), (8, 1, 4), (16, 0, 2)])
            for (var (border, lane) = (start, at); border < Size - 1; border += step) halving[lane++] = borders[border];
        Zero = byRank[Rank(0)];
    }

    /// <summary>4-bit NormalFloat.</summary>
    public static FourBitCode Nf4 { get; } = new("nf4",
    [
        -1f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f, 0f,
        0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1f,
    ]);

    /// <summary>4-bit floating point; codes 0 and 8 both stand for zero.</summary>
    public static FourBitCode Fp4 { get; } = new("fp4",
    [
        0f, 1f / 192, 2f / 3, 1f, 1f / 3, 1f / 2, 1f / 6, 1f / 4, 0f, -1f / 192, -2f / 3, -1f, -1f / 3, -1f / 2, -1f / 6, -1f / 4,
    ]);

    /// <summary>The name in checkpoints: <c>nf4</c> or <c>fp4</c>.</summary>
    public string Name { get; }

    /// <summary>The value of each code. In pinned memory.</summary>
    public ReadOnlySpan<float> Values => values;

    /// <summary>Borders between neighbours in the order of values; the sixteenth is infinite. In pinned memory.</summary>
    public ReadOnlySpan<float> Borders => borders;

    /// <summary>
    /// The borders that a search by halving meets after the middle one (7): three rows of eight, in each the border to compare with next by the rank found so far. In
    /// pinned memory.
    /// </summary>
    public ReadOnlySpan<float> Halving => halving;

    /// <summary>The codes in the order of their values. In pinned memory.</summary>
    public ReadOnlySpan<byte> ByRank => byRank;

    /// <summary>The code that zero takes.</summary>
    public byte Zero { get; }

    /// <summary>The table of a type.</summary>
    public static FourBitCode Of(FourBitType type) => type == FourBitType.Nf4 ? Nf4 : Fp4;

    /// <summary>How many borders lie below <paramref name="x"/>: an index into <see cref="ByRank"/>.</summary>
    public int Rank(float x)
    {
        var rank = 0;
        foreach (var border in borders) rank += x > border ? 1 : 0;
        return rank;
    }
}
