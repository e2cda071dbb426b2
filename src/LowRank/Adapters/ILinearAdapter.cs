using LowRank.Layers;
using static TorchSharp.torch;

namespace LowRank.Adapters;

/// <summary>A trained update of a frozen linear layer. One kind of adapter is one class; the layer it stands on may store its weight in any form.</summary>
public interface ILinearAdapter : IDisposable
{
    /// <summary>What is trained, in the order in which PEFT lists it.</summary>
    IReadOnlyList<TrainableParameter> Parameters { get; }

    /// <summary>The base layer's output with the update: <c>[.., out]</c> for <paramref name="x"/> <c>[.., in]</c>.</summary>
    Tensor Forward(Tensor x, FrozenLinear frozen);

    /// <summary>The updated layer as one part of a node, where it is a plain low-rank update now; else null.</summary>
    internal LinearPart? PartFor(FrozenLinear frozen) => null;

    /// <summary>What merging adds to the weight: fp32 <c>[out, in]</c>, without a graph.</summary>
    Tensor Delta();

    /// <summary>What merging adds to the bias: fp32 <c>[out]</c>, or null.</summary>
    Tensor? BiasDelta();
}
