using LowRank.Adapters.Lora;
using static TorchSharp.torch;

namespace LowRank.Adapters.Experts;

/// <summary>The parts that single experts have of the matrices of all.</summary>
/// <param name="a">Gives A of all, <c>[experts · r, in]</c>.</param>
/// <param name="b">Gives B of all, <c>[out, r · experts]</c>.</param>
/// <param name="experts">How many experts there are.</param>
/// <param name="parts">How many layers of an expert share its B, each with as many of its rows: two for gate and up.</param>
internal sealed class ExpertMatrices(Func<Tensor> a, Func<Tensor> b, int experts, int parts)
{
    private Tensor[]? cutA;
    private Tensor[]? cutB;

    /// <summary>The update of one layer of an expert.</summary>
    public LoraAdapter UpdateOf(int expert, int part, AdapterTarget target) => new(() => A(expert, target.Rank), () => B(expert, part, target.Rank), target.Rank, target.Scaling);

    /// <summary>
    /// Cuts both matrices at once; the parts are read until the result is disposed. Without a backward pass nothing is cut: each part is taken when it is read, because a pass of few tokens
    /// comes by few of the experts.
    /// </summary>
    public IDisposable? Cut()
    {
        if (!is_grad_enabled()) return null;
        var (whole, up) = (a(), b());
        var rank = whole.shape[0] / experts;
        cutA = whole.view(experts, rank, whole.shape[1]).unbind(0);
        // A copy in the order of the experts: products read rows whose elements lie side by side.
        cutB = up.view(parts, up.shape[0] / parts, rank, experts).permute(3, 0, 1, 2).contiguous().view(experts * parts, up.shape[0] / parts, rank).unbind(0);
        return new Uncut(this);
    }

    private Tensor A(int expert, int rank) => cutA is { } cut ? cut[expert].alias() : a().narrow(0, expert * rank, rank);

    private Tensor B(int expert, int part, int rank)
    {
        if (cutB is { } cut) return cut[expert * parts + part].alias();
        using var scope = NewDisposeScope();
        var up = b();
        var rows = up.shape[0] / parts;
        // Its elements stand apart from each other in the matrix of all.
        return up.view(up.shape[0], rank, experts).narrow(0, part * rows, rows).select(2, expert).contiguous().MoveToOuterDisposeScope();
    }

    private sealed class Uncut(ExpertMatrices of) : IDisposable
    {
        public void Dispose() => (of.cutA, of.cutB) = (null, null);
    }
}
