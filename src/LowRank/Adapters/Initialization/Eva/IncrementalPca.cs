using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.Initialization.Eva;

/// <summary>
/// Principal directions of rows that come batch by batch (Ross et al., 2008; PEFT's <c>IncrementalPCA</c>): each batch is decomposed together with what is known, so that no more than a batch
/// and the directions are in memory. Exact for one batch, and where the directions hold all of what came; else nearly so. Not for use from several threads.
/// </summary>
/// <param name="components">How many directions are kept, at most the width of a row.</param>
internal sealed class IncrementalPca(int components) : IDisposable
{
    // Up to this shorter side a matrix is decomposed whole; beyond it twice the directions, random at first, are turned toward the largest ones, as PyTorch's svd_lowrank does.
    private const long ExactSide = 512;
    private const int Turns = 4;
    private const ulong SketchSeed = 0;

    private Tensor? mean;
    private Tensor? squares;

    /// <summary>The directions, fp32 <c>[components, width]</c>, the one with the most variance first; null before the first batch.</summary>
    public Tensor? Directions { get; private set; }

    /// <summary>The singular values of the centred rows, <c>[components]</c>.</summary>
    public Tensor? SingularValues { get; private set; }

    /// <summary>Rows that were seen.</summary>
    public long Rows { get; private set; }

    /// <summary>The share of the variance that each direction explains, the largest first.</summary>
    public float[] ExplainedRatios
    {
        get
        {
            if (SingularValues is null || squares is null) return [];
            using var scope = NewDisposeScope();
            var total = squares.sum().item<double>();
            return total > 0 ? (SingularValues.to(ScalarType.Float64).pow(Scalars.Of(2)) / Scalars.Of(total)).to(ScalarType.Float32).cpu().data<float>().ToArray() : new float[components];
        }
    }

    /// <summary>Takes a batch of rows and turns the directions toward it.</summary>
    /// <param name="rows">fp32 <c>[rows, width]</c>, at least as many as there are directions.</param>
    /// <returns>The cosine of each direction to what it was; empty for the first batch.</returns>
    public float[] Add(Tensor rows)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows.shape[0], components, nameof(rows));
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var count = rows.shape[0];
        var wide = rows.to(ScalarType.Float64);
        var own = wide.mean([0]);
        var centred = wide - own;
        var spread = centred.pow(Scalars.Of(2)).sum([0]);
        var stacked = centred.to(ScalarType.Float32);
        var (newMean, newSquares) = (own, spread);
        if (Directions is not null && SingularValues is not null && mean is not null && squares is not null)
        {
            var apart = mean - own;
            var weight = (double)Rows * count / (Rows + count);
            stacked = cat([SingularValues.unsqueeze(1) * Directions, stacked, (apart * Scalars.Of(Math.Sqrt(weight))).to(ScalarType.Float32).unsqueeze(0)], 0);
            (newMean, newSquares) = ((mean * Scalars.Of(Rows)).add(own * Scalars.Of(count), Scalars.One) / Scalars.Of(Rows + count), squares.add(spread, Scalars.One).add(apart.pow(Scalars.Of(2)) * Scalars.Of(weight), Scalars.One));
        }
        var (s, vh) = Decompose(stacked);
        var turned = vh.narrow(0, 0, components).contiguous();
        // Both have length one.
        float[] cosines = Directions is null ? [] : (turned * Directions).sum(1).cpu().data<float>().ToArray();
        Replace(turned, s.narrow(0, 0, components).contiguous(), newMean, newSquares);
        Rows += count;
        return cosines;
    }

    private void Replace(Tensor directions, Tensor values, Tensor newMean, Tensor newSquares)
    {
        Free();
        (Directions, SingularValues) = (directions.DetachFromDisposeScope(), values.DetachFromDisposeScope());
        (mean, squares) = (newMean.DetachFromDisposeScope(), newSquares.DetachFromDisposeScope());
    }

    private (Tensor S, Tensor Vh) Decompose(Tensor matrix)
    {
        Tensor s, vh;
        var shorter = Math.Min(matrix.shape[0], matrix.shape[1]);
        if (shorter <= ExactSide) (_, s, vh) = linalg.svd(matrix.to(ScalarType.Float64), fullMatrices: false);
        else
        {
            using var generator = new Generator(SketchSeed, CPU);
            var sketch = randn([matrix.shape[1], Math.Min(2L * components, shorter)], ScalarType.Float32, generator: generator).to(matrix.device);
            var basis = linalg.qr(matrix.mm(sketch)).Q;
            for (var i = 0; i < Turns; i++) basis = linalg.qr(matrix.mm(linalg.qr(matrix.t().mm(basis)).Q)).Q;
            (_, s, vh) = linalg.svd(basis.t().mm(matrix).to(ScalarType.Float64), fullMatrices: false);
        }
        // The sign of a singular vector is free: its largest element is positive, so that one direction can be compared with what it was.
        var signs = vh.gather(1, vh.abs().argmax(1, true)).sign();
        return (s.to(ScalarType.Float32), (vh * signs).to(ScalarType.Float32));
    }

    private void Free()
    {
        foreach (var t in new[] { Directions, SingularValues, mean, squares }) t?.Dispose();
        (Directions, SingularValues, mean, squares) = (null, null, null, null);
    }

    /// <inheritdoc/>
    public void Dispose() => Free();
}
