using LowRank.Quantization;
using static TorchSharp.torch;

namespace LowRank.Autograd;

/// <summary>
/// <c>y = x · Wᵀ</c> with a frozen <c>W</c>. It saves nothing: the gradient of <c>x</c> needs the weight alone, and the weight's widened form
/// is made anew, so that no graph keeps it.
/// </summary>
internal sealed class FrozenLinearNode : AutogradNode
{
    private readonly FrozenWeight weight;

    private FrozenLinearNode(FrozenWeight weight) => this.weight = weight;

    /// <summary>The product for <paramref name="x"/> <c>[.., in]</c>: <c>[.., out]</c>, recorded where the input requires a gradient.</summary>
    public static Tensor Apply(Tensor x, FrozenWeight weight)
    {
        Tensor y;
        using (no_grad()) y = weight.Product(x);
        return IsNeeded(x) ? new FrozenLinearNode(weight).Attach([x], y) : y;
    }

    /// <inheritdoc/>
    protected override void Backward(ReadOnlySpan<Tensor?> gradOutputs, Span<Tensor?> gradInputs)
    {
        using var dense = gradOutputs[0]!.contiguous();
        gradInputs[0] = weight.ProductBackward(dense);
    }

    /// <inheritdoc/>
    protected override void Release()
    {
    }
}
