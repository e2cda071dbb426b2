using LowRank.Kernels.Cpu.Gemm;
using LowRank.Runtime.Interop;

namespace LowRank.Tests.Kernels;

/// <summary>The own matrix product against sums in double precision.</summary>
[Collection(nameof(NativeTensors))]
public sealed unsafe class PackedGemmTests
{
    // Half an ulp of 1: 2 to the -24th.
    private const double Half = 1.0 / (1 << 24);

    // Sizes below, at and above a tile, a piece of the depth, a block of rows and a grain of work.
    public static TheoryData<int, int, int> Sizes => new()
    {
        { 1, 1, 1 }, { 5, 15, 7 }, { 6, 16, 8 }, { 7, 17, 9 }, { 97, 33, 576 }, { 100, 48, 577 }, { 13, 1000, 64 }, { 200, 20, 1536 }, { 64, 130, 1200 }, { 300, 16, 16 },
    };

    [Theory, MemberData(nameof(Sizes))]
    public void Product(int rows, int columns, int depth)
    {
        Assert.SkipUnless(GemmTile.IsSupported, "needs AVX2 and FMA");
        foreach (var turnedLeft in new[] { false, true })
            foreach (var turnedRight in new[] { false, true })
                foreach (var add in new[] { false, true })
                {
                    float[] left = Values(rows * depth, 1), right = Values(columns * depth, 2), before = Values(rows * columns, 3), target = [.. before];
                    fixed (float* l = left, r = right, t = target)
                    {
                        var from = new LeftMatrix(l, turnedLeft ? rows : depth, turnedLeft);
                        var by = new DenseRight(r, turnedRight ? depth : columns, turnedRight, 0.5f);
                        PackedGemm.Run(rows, columns, [new(from, by, depth)], t, columns, add);
                    }
                    for (var i = 0; i < rows; i++)
                        for (var j = 0; j < columns; j++)
                        {
                            double sum = add ? before[i * columns + j] : 0, size = Math.Abs(sum);
                            for (var k = 0; k < depth; k++)
                            {
                                double product = 0.5 * left[turnedLeft ? k * rows + i : i * depth + k] * right[turnedRight ? j * depth + k : k * columns + j];
                                sum += product;
                                size += Math.Abs(product);
                            }
                            // Each of depth + 1 roundings is at most half an ulp of what was summed so far, which is no more than the sum of the sizes.
                            Assert.InRange(target[i * columns + j] - sum, -(depth + 2) * size * Half, (depth + 2) * size * Half);
                        }
                }
    }

    [Fact]
    public void Terms_are_summed_into_a_part_of_a_larger_result()
    {
        Assert.SkipUnless(GemmTile.IsSupported, "needs AVX2 and FMA");
        const int rows = 50, columns = 40, row = 64, first = 96, second = 16;
        float[] x = Values(rows * first, 1), w = Values(columns * first, 2), d = Values(rows * 20, 3), b = Values(columns * second, 4), target = new float[rows * row];
        Array.Fill(target, 7);
        fixed (float* px = x, pw = w, pd = d, pb = b, pt = target)
            PackedGemm.Run(rows, columns, [new(new(px, first), new DenseRight(pw, first, true), first), new(new(pd + 4, 20), new DenseRight(pb, second, true, 2), second)], pt + 8, row);
        for (var i = 0; i < rows; i++)
            for (var j = 0; j < row; j++)
            {
                double sum = 7;
                if (j is >= 8 and < 8 + columns)
                {
                    sum = 0;
                    for (var k = 0; k < first; k++) sum += (double)x[i * first + k] * w[(j - 8) * first + k];
                    for (var k = 0; k < second; k++) sum += 2.0 * d[i * 20 + 4 + k] * b[(j - 8) * second + k];
                }
                Assert.Equal(sum, target[i * row + j], 1e-4);
            }
    }

    [Fact]
    public void The_number_of_threads_and_the_other_rows_do_not_matter()
    {
        Assert.SkipUnless(GemmTile.IsSupported, "needs AVX2 and FMA");
        const int rows = 120, columns = 80, depth = 1000;
        float[] x = Values(rows * depth, 1), w = Values(columns * depth, 2), many = new float[rows * columns], one = new float[rows * columns], few = new float[7 * columns];
        fixed (float* px = x, pw = w, pm = many, po = one, pf = few)
        {
            var by = new DenseRight(pw, depth, true);
            PackedGemm.Run(rows, columns, [new(new(px, depth), by, depth)], pm, columns);
            var threads = TorchThreads.Count;
            try
            {
                TorchThreads.Count = threads == 1 ? 2 : 1;
                PackedGemm.Run(rows, columns, [new(new(px, depth), by, depth)], po, columns);
            }
            finally
            {
                TorchThreads.Count = threads;
            }
            PackedGemm.Run(7, columns, [new(new(px + 31 * depth, depth), by, depth)], pf, columns);
        }
        Assert.Equal(many, one);
        Assert.Equal(many[(31 * columns)..(38 * columns)], few);
    }

    private static float[] Values(int count, int seed)
    {
        var random = new Random(seed);
        var values = new float[count];
        for (var i = 0; i < count; i++) values[i] = (float)(2 * random.NextDouble() - 1);
        return values;
    }
}
