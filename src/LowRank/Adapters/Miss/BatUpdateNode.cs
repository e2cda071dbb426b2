using LowRank.Autograd;
using LowRank.Quantization;
using LowRank.Runtime.Interop;
using static TorchSharp.torch;

namespace LowRank.Adapters.Miss;

/// <summary>
/// The update of MiSS "bat" for an input, <c>y = x Δᵀ</c>, where the block of Δ in block row i and block column j is <c>Wᵢⱼ Dᵢ + Dᵢ</c>. It keeps x and D alone: rows of W are widened
/// and multiplied with D some blocks at a time, in the backward pass again, so that no second matrix of the weight's size comes into being.
/// </summary>
internal sealed class BatUpdateNode : AutogradNode
{
    // As many elements of a weight as a dense one widens at once.
    private const long PanelElements = 4L << 20;

    private readonly FrozenWeight weight;
    private readonly Tensor x;
    private readonly Tensor blocks;

    private BatUpdateNode(FrozenWeight weight, Tensor x, Tensor blocks) => (this.weight, this.x, this.blocks) = (weight, x.detach().DetachFromDisposeScope(), blocks.detach().DetachFromDisposeScope());

    /// <summary>The update.</summary>
    /// <param name="x">fp32 <c>[.., in]</c>.</param>
    /// <param name="blocks">D, fp32 <c>[out / r, r, r]</c>.</param>
    /// <param name="weight">W <c>[out, in]</c>.</param>
    /// <returns><c>[.., out]</c>, fp32.</returns>
    public static Tensor Apply(Tensor x, Tensor blocks, FrozenWeight weight)
    {
        using var scope = NewDisposeScope();
        var dense = x.contiguous();
        Tensor y;
        using (no_grad())
        {
            var rows = dense.view(-1, weight.InFeatures);
            y = empty([rows.shape[0], weight.OutFeatures], ScalarType.Float32, x.device);
            foreach (var (first, count) in Panels(blocks, weight))
            {
                using var panel = NewDisposeScope();
                var (size, some) = (blocks.shape[1], blocks.narrow(0, first, count));
                y.narrow(1, first * size, count * size).copy_(rows.mm(Delta(Stored(weight, some, first), some).t()));
            }
            y = y.view([.. x.shape[..^1], weight.OutFeatures]);
        }
        if (IsNeeded(dense, blocks)) y = new BatUpdateNode(weight, dense, blocks).Attach([dense, blocks], y);
        return y.MoveToOuterDisposeScope();
    }

    /// <summary>Δ of some block rows, <c>[rows, in]</c>: a block row of W is a matrix whose rows of r elements are each multiplied with the one D.</summary>
    /// <param name="rows">Rows of W, <c>[blocks · r, in]</c>.</param>
    /// <param name="some">Their D, <c>[blocks, r, r]</c>.</param>
    public static Tensor Delta(Tensor rows, Tensor some)
    {
        using var scope = NewDisposeScope();
        long count = some.shape[0], size = some.shape[1], features = rows.shape[1];
        var product = rows.view(count, features, size).bmm(some).view(count, size, features / size, size);
        return product.add_(some.unsqueeze(2), Scalars.One).view(rows.shape).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Backward(ReadOnlySpan<Tensor?> gradOutputs, Span<Tensor?> gradInputs)
    {
        var (size, features) = (blocks.shape[1], weight.InFeatures);
        var (g, rows) = (gradOutputs[0]!.contiguous().view(-1, weight.OutFeatures), x.view(-1, features));
        var dx = IsAsked(0) ? zeros_like(x) : null;
        var dblocks = IsAsked(1) ? empty_like(blocks) : null;
        foreach (var (first, count) in Panels(blocks, weight))
        {
            using var panel = NewDisposeScope();
            var (some, own) = (blocks.narrow(0, first, count), g.narrow(1, first * size, count * size));
            var stored = Stored(weight, some, first);
            dx?.view(-1, features).addmm_(own, Delta(stored, some));
            if (dblocks is null) continue;
            var upstream = own.t().mm(rows);
            var sum = stored.view(count, features, size).transpose(1, 2).bmm(upstream.view(count, features, size));
            dblocks.narrow(0, first, count).copy_(sum.add_(upstream.view(count, size, features / size, size).sum(2), Scalars.One));
        }
        (gradInputs[0], gradInputs[1]) = (dx, dblocks);
    }

    private static Tensor Stored(FrozenWeight weight, Tensor some, long first) => weight.Dequantize(first * some.shape[1], some.shape[0] * some.shape[1]);

    private static IEnumerable<(long First, long Count)> Panels(Tensor blocks, FrozenWeight weight)
    {
        var (all, step) = (blocks.shape[0], Math.Max(1, PanelElements / (blocks.shape[1] * weight.InFeatures)));
        for (long first = 0; first < all; first += step) yield return (first, Math.Min(step, all - first));
    }

    /// <inheritdoc/>
    protected override void Release()
    {
        x.Dispose();
        blocks.Dispose();
    }
}
