using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Quantization;

/// <summary>
/// A weight matrix of the base model that is never trained: the seam between how it is stored and how it is multiplied.
/// Adapters, models and merging know nothing of the storage behind it. It is not a <see cref="torch.Tensor"/> field of any module.
/// </summary>
public abstract class FrozenWeight : IDisposable
{
    /// <summary>Creates a weight of <c>[outFeatures, inFeatures]</c>.</summary>
    protected FrozenWeight(long outFeatures, long inFeatures) => (OutFeatures, InFeatures) = (outFeatures, inFeatures);

    /// <summary>Rows of the matrix.</summary>
    public long OutFeatures { get; }

    /// <summary>Columns of the matrix.</summary>
    public long InFeatures { get; }

    /// <summary>Bytes that the stored form takes.</summary>
    public abstract long StoredBytes { get; }

    /// <summary>The device that holds the stored form.</summary>
    public abstract Device Device { get; }

    /// <summary><c>x · Wᵀ</c>, without recording a graph.</summary>
    /// <param name="x"><c>[rows, inFeatures]</c>; its dtype is the compute dtype.</param>
    /// <returns><c>[rows, outFeatures]</c> in the dtype of <paramref name="x"/>.</returns>
    public abstract Tensor Linear(Tensor x);

    /// <summary><c>dy · W</c>, the gradient of <see cref="Linear"/> for its input, without recording a graph.</summary>
    /// <param name="dy"><c>[rows, outFeatures]</c>.</param>
    /// <returns><c>[rows, inFeatures]</c> in the dtype of <paramref name="dy"/>.</returns>
    public abstract Tensor LinearBackward(Tensor dy);

    /// <summary>Rows <paramref name="start"/> to <c>start + count</c> as a new fp32 matrix <c>[count, inFeatures]</c>.</summary>
    public abstract Tensor Dequantize(long start, long count);

    /// <summary>The rows named by <paramref name="ids"/> (any shape) in <paramref name="dtype"/>: <c>[.., inFeatures]</c>. What an embedding reads.</summary>
    public abstract Tensor Rows(Tensor ids, ScalarType dtype);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the stored form.</summary>
    protected abstract void Dispose(bool disposing);
}
