using LowRank.Layers;
using static TorchSharp.torch;

namespace LowRank.Adapters.Initialization.Eva;

/// <summary>A linear layer whose inputs somebody looks at. It computes what it did; only not in one node with others.</summary>
/// <param name="inner">The layer; it stays that of whoever put this in its place.</param>
/// <param name="see">Is shown each input, <c>[.., in]</c>, before the layer computes.</param>
internal sealed class ObservedLinear(ILinear inner, Action<Tensor> see) : ILinear
{
    /// <summary>The layer.</summary>
    public ILinear Inner { get; } = inner;

    /// <inheritdoc/>
    public long InFeatures => Inner.InFeatures;

    /// <inheritdoc/>
    public long OutFeatures => Inner.OutFeatures;

    /// <inheritdoc/>
    public Tensor Forward(Tensor x)
    {
        see(x);
        return Inner.Forward(x);
    }

    /// <inheritdoc/>
    public void Dispose() => Inner.Dispose();
}
