using LowRank.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.Initialization;

/// <summary>
/// The update that an adapter started as, A₀ and B₀, which PEFT takes from the base weight and which is kept beside the base here. It is frozen; both matrices lie in one buffer, so
/// that a checkpoint keeps them as one tensor. B₀ is kept negated, as it is used.
/// </summary>
internal sealed class InitialUpdate : IDisposable
{
    /// <summary>Copies the matrices of a new adapter.</summary>
    /// <param name="a">A₀ <c>[r, in]</c>, fp32.</param>
    /// <param name="b">B₀ <c>[out, r]</c>, fp32.</param>
    public InitialUpdate(Tensor a, Tensor b)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Values = empty([a.NumberOfElements + b.NumberOfElements], ScalarType.Float32, a.device).DetachFromDisposeScope();
        A = Values.narrow(0, 0, a.NumberOfElements).view(a.shape).DetachFromDisposeScope();
        NegatedB = Values.narrow(0, a.NumberOfElements, b.NumberOfElements).view(b.shape).DetachFromDisposeScope();
        A.copy_(a);
        NegatedB.copy_(b).neg_();
    }

    /// <summary>All elements, flat.</summary>
    public Tensor Values { get; }

    /// <summary>A₀ <c>[r, in]</c>, a view.</summary>
    public Tensor A { get; }

    /// <summary>−B₀ <c>[out, r]</c>, a view.</summary>
    public Tensor NegatedB { get; }

    /// <summary>The matrices that a weight gives for the settings: A <c>[r, in]</c> and B <c>[out, r]</c>, fp32, on the weight's device.</summary>
    /// <remarks>The weight is widened whole for the decomposition, and freed before the next module's turn.</remarks>
    public static (Tensor A, Tensor B) MatricesOf(FrozenWeight weight, LoraConfig config, AdapterTarget target)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var whole = weight.Dequantize(0, weight.OutFeatures);
        var (a, b) = config.Initialization == LoraInitialization.OLora ? TriangularPair.Of(whole, target.Rank) : PrincipalPair.Of(whole, target.Rank, target.Scaling, config.PissaIterations);
        return (a.MoveToOuterDisposeScope(), b.MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        A.Dispose();
        NegatedB.Dispose();
        Values.Dispose();
    }
}
