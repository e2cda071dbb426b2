using LowRank.Adapters.Combining;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Tests.Adapters;

/// <summary>Decompositions of a matrix at a rank: the exact one against what Eckart and Young say, that of a product and the randomized one against it.</summary>
public sealed class TruncatedSvdTests
{
    private const int Rank = 16;

    [Fact]
    public void The_exact_one_misses_the_singular_values_that_are_left_out()
    {
        using var scope = NewDisposeScope();
        var (matrix, values) = Matrix(90, 70, i => Math.Pow(0.9, i));
        using var svd = TruncatedSvd.Exact(matrix, Rank);
        // fp32 matrices of entries below 1: the error is off by 1e-7 of what is kept, the tail of 0.9^i from 16 on is 0.19 of it.
        Assert.Equal(Norm(values[Rank..]), Error(matrix, svd), 1e-6);
        Assert.Equal(values.Sum(v => v * v), svd.AllSquares, 1e-6);
        Assert.Equal(values[..Rank].Sum(v => v * v), svd.KeptSquares, 1e-6);
        Assert.Equal(svd.AllSquares, TruncatedSvd.SquaresOf(matrix), 1e-9);
    }

    [Fact]
    public void That_of_a_product_is_that_of_the_matrix()
    {
        using var scope = NewDisposeScope();
        var (a, b) = (Random(24, 70, 1), Random(90, 24, 2));
        using var svd = TruncatedSvd.OfProduct(a, b, Rank);
        using var whole = TruncatedSvd.Exact(b.mm(a), Rank);
        // Entries of the product are sums of 24 products near 1: ten or less, with seven digits.
        Close(whole, svd, 1e-4);
        Assert.Equal(whole.KeptSquares, svd.KeptSquares, 1e-4 * whole.KeptSquares);
    }

    /// <summary>
    /// With q power iterations and p directions beyond the rank, what a singular value σ_j, j ≤ r, loses to the directions that are not followed falls as (σ_{r+p+1} / σ_j)^(2q+1)
    /// (Halko, Martinsson and Tropp, 2011, theorem 9.1 with (AAᵀ)^q A in place of A); here q = 4 and p = 16. With σ_i = 0.8^i that is 0.8^(17·9) = 1e-15: only rounding is left, of fp32 at the largest σ, 1, grown by
    /// σ_r / (σ_r - σ_{r+1}) = 5 because the subspace of neighbours turns into each other: a few 1e-6.
    /// </summary>
    [Fact]
    public void The_randomized_one_finds_the_same_matrix_where_the_values_fall()
    {
        using var scope = NewDisposeScope();
        var (matrix, _) = Matrix(300, 260, i => Math.Pow(0.8, i));
        using var whole = TruncatedSvd.Exact(matrix, Rank);
        using var svd = TruncatedSvd.Randomized(matrix, Rank, seed: 1);
        Close(whole, svd, 1e-5);
        Assert.Equal(whole.KeptSquares, svd.KeptSquares, 1e-5);
    }

    /// <summary>
    /// Where the values hardly fall, the subspaces differ, but no direction that is taken is much smaller than one that is missed: with σ_i = 1/(1 + i/100) the share (σ_33/σ_j)^9 is between
    /// 0.08 and 0.3, and what it takes from a direction it gives to one that is at most a quarter smaller: of the kept squares a tenth at most is lost, of the error, which is many times as large, less than a percent. Below the
    /// least error there is nothing but rounding.
    /// </summary>
    [Fact]
    public void The_randomized_one_comes_within_a_percent_of_the_least_error_where_they_hardly_do()
    {
        using var scope = NewDisposeScope();
        var (matrix, values) = Matrix(300, 260, i => 1 / (1 + i / 100.0));
        using var svd = TruncatedSvd.Randomized(matrix, Rank, seed: 1);
        var least = Norm(values[Rank..]);
        Assert.InRange(Error(matrix, svd), least * (1 - 1e-6), least * 1.01);
        Assert.InRange(svd.KeptSquares, 0.9 * values[..Rank].Sum(v => v * v), values[..Rank].Sum(v => v * v) * (1 + 1e-6));
    }

    [Fact]
    public void A_matrix_of_that_rank_comes_back_and_zeros_stay_zeros()
    {
        using var scope = NewDisposeScope();
        var matrix = Random(400, Rank, 3).mm(Random(Rank, 350, 4));
        using var svd = TruncatedSvd.Randomized(matrix, Rank, seed: 2);
        // Relative to the whole: a basis in fp32, and products of 400 terms.
        Assert.True(Error(matrix, svd) < 1e-5 * Math.Sqrt(svd.AllSquares), $"error {Error(matrix, svd)} of {Math.Sqrt(svd.AllSquares)}");
        using var none = TruncatedSvd.Randomized(zeros(100, 80), Rank, seed: 2);
        Assert.Equal((0.0, 0.0), (none.KeptSquares, Error(zeros(100, 80), none)));
    }

    // U diag(σ) Vᵀ with orthonormal U and V: its singular values are known.
    private static (Tensor Matrix, double[] Values) Matrix(int rows, int columns, Func<int, double> value)
    {
        var side = Math.Min(rows, columns);
        double[] values = [.. Enumerable.Range(0, side).Select(value)];
        var (u, _) = linalg.qr(Random(rows, side, 5).to(ScalarType.Float64));
        var (v, _) = linalg.qr(Random(columns, side, 6).to(ScalarType.Float64));
        return ((u * tensor(values)).mm(v.t()).to(ScalarType.Float32), values);
    }

    private static Tensor Random(int rows, int columns, ulong seed)
    {
        using var generator = new Generator(seed, CPU);
        return randn([rows, columns], ScalarType.Float32, CPU, generator: generator);
    }

    private static void Close(TruncatedSvd want, TruncatedSvd got, double tolerance)
    {
        using var scope = NewDisposeScope();
        var worst = (want.B.mm(want.A) - got.B.mm(got.A)).abs().max().item<float>();
        Assert.True(worst <= tolerance, $"the products differ by {worst:g4}; allowed is {tolerance:g4}");
    }

    private static double Error(Tensor matrix, TruncatedSvd svd)
    {
        using var scope = NewDisposeScope();
        return (matrix.to(ScalarType.Float64) - svd.B.to(ScalarType.Float64).mm(svd.A.to(ScalarType.Float64))).square().sum().sqrt().item<double>();
    }

    private static double Norm(double[] values) => Math.Sqrt(values.Sum(v => v * v));
}
