using LowRank.Adapters;
using LowRank.Kernels.Cpu;
using LowRank.Runtime.Interop;
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

    /// <summary>
    /// The dtype in which products with more than a few fp32 rows are computed: fp32, or bf16 or fp16, for which operands and results are rounded and sums stay in fp32. What goes
    /// in and comes out is fp32 either way. Few rows, as in generation, are always computed in fp32: reading the weight is what takes their time.
    /// </summary>
    internal ScalarType ProductType { get; set; } = ScalarType.Float32;

    /// <summary>Whether the checkpoint has the matrix as <c>[inFeatures, outFeatures]</c>.</summary>
    internal bool IsTransposed { get; set; }

    /// <summary>Whether a product of this tensor is computed in 16 bits.</summary>
    internal bool Rounds(Tensor x) => RoundedTensor.IsTypeOf(ProductType) && x.dtype == ScalarType.Float32 && x.numel() > FewRows.Most * x.shape[^1];

    /// <summary><see cref="Linear"/> in the <see cref="ProductType"/>.</summary>
    internal Tensor Product(Tensor x)
    {
        if (!Rounds(x)) return Linear(x);
        using var narrow = RoundedTensor.Of(x, ProductType);
        using var y = Linear(narrow.Values);
        return narrow.Widened(y);
    }

    /// <summary><see cref="LinearBackward"/> in the <see cref="ProductType"/>.</summary>
    internal Tensor ProductBackward(Tensor dy)
    {
        if (!Rounds(dy)) return LinearBackward(dy);
        using var narrow = RoundedTensor.Of(dy, ProductType);
        using var dx = LinearBackward(narrow.Values);
        return narrow.Widened(dx);
    }

    /// <summary><see cref="AddLinearBackward"/> in the <see cref="ProductType"/>.</summary>
    internal void AddProductBackward(Tensor dy, Tensor dx)
    {
        if (!Rounds(dy))
        {
            AddLinearBackward(dy, dx);
            return;
        }
        using var narrow = RoundedTensor.Of(dy, ProductType);
        using var more = LinearBackward(narrow.Values);
        narrow.Add(more, dx);
    }

    /// <summary><c>x · Wᵀ</c>, without recording a graph.</summary>
    /// <param name="x"><c>[.., inFeatures]</c>; its dtype is the compute dtype.</param>
    /// <returns><c>[.., outFeatures]</c> in the dtype of <paramref name="x"/>.</returns>
    public abstract Tensor Linear(Tensor x);

    /// <summary><c>dy · W</c>, the gradient of <see cref="Linear"/> for its input, without recording a graph.</summary>
    /// <param name="dy"><c>[.., outFeatures]</c>.</param>
    /// <returns><c>[.., inFeatures]</c> in the dtype of <paramref name="dy"/>.</returns>
    public abstract Tensor LinearBackward(Tensor dy);

    /// <summary>Adds <c>dy · W</c> to <paramref name="dx"/>, without recording a graph.</summary>
    /// <param name="dy"><c>[.., outFeatures]</c>.</param>
    /// <param name="dx"><c>[.., inFeatures]</c>, contiguous, in the dtype of <paramref name="dy"/>.</param>
    internal virtual void AddLinearBackward(Tensor dy, Tensor dx)
    {
        using var more = LinearBackward(dy);
        dx.add_(more, Scalars.One);
    }

    /// <summary>Rows <paramref name="start"/> to <c>start + count</c> as a new fp32 matrix <c>[count, inFeatures]</c>.</summary>
    public abstract Tensor Dequantize(long start, long count);

    /// <summary>The rows named by <paramref name="ids"/> (any shape) in <paramref name="dtype"/>: <c>[.., inFeatures]</c>. What an embedding reads.</summary>
    public abstract Tensor Rows(Tensor ids, ScalarType dtype);

    /// <summary>The stored form as the operand of products with fp32 tensors on the CPU, or null where it cannot be one.</summary>
    internal virtual PanelWeight? Panels => null;

    /// <summary>Whether the stored form would be given a gradient, which a frozen weight must never be.</summary>
    internal virtual bool RequiresGradient => false;

    /// <summary>
    /// Adds what is in memory now to a fingerprint, under the weight's name. A dense weight adds its bytes, as at its loading; another form adds its values in fp32 by panels
    /// unless it knows a cheaper way, so that its fingerprint can be compared with an earlier one of the same memory only.
    /// </summary>
    internal virtual void AddTo(BaseFingerprintBuilder builder, string name)
    {
        var panel = Math.Max(1, (4L << 20) / InFeatures);
        for (long start = 0; start < OutFeatures; start += panel)
        {
            using var values = Dequantize(start, Math.Min(panel, OutFeatures - start));
            builder.Add(start == 0 ? name : $"{name}[{start}]", values);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the stored form.</summary>
    protected abstract void Dispose(bool disposing);
}
