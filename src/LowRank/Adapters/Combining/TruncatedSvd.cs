using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.Combining;

/// <summary>
/// The best approximation B A of a matrix at a rank: B = U_r Σ_r, A = V_rᵀ (Eckart and Young, 1936). The caller disposes both.
/// </summary>
/// <param name="A"><c>[rank, in]</c>, fp32.</param>
/// <param name="B"><c>[out, rank]</c>, fp32.</param>
/// <param name="KeptSquares">The sum of the squared singular values that were kept.</param>
/// <param name="AllSquares">The squared Frobenius norm of the whole matrix.</param>
internal sealed record TruncatedSvd(Tensor A, Tensor B, double KeptSquares, double AllSquares) : IDisposable
{
    /// <summary>Power iterations of <see cref="Randomized"/>: the share of a singular value σ in what is missed falls as (σ/σ_r)^(2·4+1).</summary>
    private const int PowerIterations = 4;

    /// <summary>Directions beyond the rank that <see cref="Randomized"/> follows.</summary>
    private const int Oversampling = 16;

    /// <summary>By the whole decomposition of a matrix <c>[out, in]</c>.</summary>
    public static TruncatedSvd Exact(Tensor matrix, long rank)
    {
        using var scope = NewDisposeScope();
        var (u, s, vh) = linalg.svd(matrix.to(ScalarType.Float64), fullMatrices: false);
        return Cut(u, s, vh, rank, SquaresOf(matrix));
    }

    /// <summary>
    /// Of a product of thin factors, without making it: the decomposition of R_B R_Aᵀ, where B = Q_B R_B and Aᵀ = Q_A R_A. Exact as well.
    /// </summary>
    /// <param name="a"><c>[n, in]</c>.</param>
    /// <param name="b"><c>[out, n]</c>.</param>
    /// <param name="rank">The rank to keep.</param>
    public static TruncatedSvd OfProduct(Tensor a, Tensor b, long rank)
    {
        using var scope = NewDisposeScope();
        var (qb, rb) = linalg.qr(b.to(ScalarType.Float64));
        var (qa, ra) = linalg.qr(a.to(ScalarType.Float64).t());
        var (u, s, vh) = linalg.svd(rb.mm(ra.t()), fullMatrices: false);
        return Cut(qb.mm(u), s, vh.mm(qa.t()), rank, s.pow(Scalars.Of(2)).sum().item<double>());
    }

    /// <summary>
    /// By a random start and power iterations (Halko, Martinsson and Tropp, 2011, algorithms 4.4 and 5.1): a few products of the matrix with thin ones instead of its
    /// whole decomposition.
    /// </summary>
    /// <param name="matrix"><c>[out, in]</c>, fp32.</param>
    /// <param name="rank">The rank to keep.</param>
    /// <param name="seed">Of the random start.</param>
    public static TruncatedSvd Randomized(Tensor matrix, long rank, ulong seed)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(seed & long.MaxValue, CPU);
        var width = Math.Min(rank + Oversampling, Math.Min(matrix.shape[0], matrix.shape[1]));
        var (basis, _) = linalg.qr(matrix.mm(randn([matrix.shape[1], width], ScalarType.Float32, CPU, generator: generator)));
        for (var i = 0; i < PowerIterations; i++)
        {
            var (back, _) = linalg.qr(matrix.t().mm(basis));
            (basis, _) = linalg.qr(matrix.mm(back));
        }
        var (u, s, vh) = linalg.svd(basis.t().mm(matrix).to(ScalarType.Float64), fullMatrices: false);
        return Cut(basis.to(ScalarType.Float64).mm(u), s, vh, rank, SquaresOf(matrix));
    }

    private static TruncatedSvd Cut(Tensor u, Tensor s, Tensor vh, long rank, double all)
    {
        var kept = s.narrow(0, 0, rank);
        return new TruncatedSvd(
            vh.narrow(0, 0, rank).to(ScalarType.Float32).contiguous().MoveToOuterDisposeScope(),
            (u.narrow(1, 0, rank) * kept).to(ScalarType.Float32).contiguous().MoveToOuterDisposeScope(),
            kept.pow(Scalars.Of(2)).sum().item<double>(), all);
    }

    /// <summary>The squared Frobenius norm of a matrix, summed in fp64 piece by piece, so that no copy of all of it is made.</summary>
    public static double SquaresOf(Tensor matrix)
    {
        const long PieceElements = 1 << 20;
        var (sum, rows) = (0.0, matrix.shape[0]);
        var step = Math.Max(1, PieceElements / Math.Max(1, matrix.shape[1]));
        for (long from = 0; from < rows; from += step)
        {
            using var scope = NewDisposeScope();
            sum += matrix.narrow(0, from, Math.Min(step, rows - from)).to(ScalarType.Float64).pow(Scalars.Of(2)).sum().item<double>();
        }
        return sum;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        A.Dispose();
        B.Dispose();
    }
}
