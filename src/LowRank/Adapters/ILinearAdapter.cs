using LowRank.Layers;
using LowRank.Optimizers.Preconditioning;
using static TorchSharp.torch;

namespace LowRank.Adapters;

/// <summary>A trained change of a frozen linear layer. One kind of adapter is one class; the layer it stands on may store its weight in any form.</summary>
public interface ILinearAdapter : IDisposable
{
    /// <summary>What is trained, in the order in which PEFT lists it.</summary>
    IReadOnlyList<TrainableParameter> Parameters { get; }

    /// <summary>The adapted layer's output: <c>[.., out]</c> for <paramref name="x"/> <c>[.., in]</c>.</summary>
    Tensor Forward(Tensor x, FrozenLinear frozen);

    /// <summary>The adapted layer as one part of a node, where it is a low-rank update with at most a factor for each output; else null.</summary>
    internal LinearPart? PartFor(FrozenLinear frozen) => null;

    /// <summary>The matrices of the update, where it is a product of two that are trained; else null.</summary>
    internal LoraPair? Pair => null;

    /// <summary>The change applied to an output that is there already, so that many adapters share one product with the base: <c>[.., out]</c>, a new tensor.</summary>
    /// <param name="x">The layer's input, <c>[.., in]</c>.</param>
    /// <param name="y">The output so far: the base layer's, or that with other adapters.</param>
    /// <param name="frozen">The base layer.</param>
    internal Tensor Adjust(Tensor x, Tensor y, FrozenLinear frozen);

    /// <summary>Puts the change into rows of the weight. Rows do not depend on each other, so that a large weight may come in pieces.</summary>
    /// <param name="rows">Rows of the base weight, fp32 <c>[rows, in]</c>: the caller's, and changed in place.</param>
    /// <param name="from">Which row of the weight is the first.</param>
    void Merge(Tensor rows, long from);

    /// <summary>The bias that a merged layer has, fp32 <c>[out]</c>: the caller's; null where it stays as it is.</summary>
    /// <param name="bias">The base's bias or null.</param>
    Tensor? MergedBias(Tensor? bias) => null;

    /// <summary>The tensors of the adapter file: views without a graph, valid until the next step.</summary>
    IEnumerable<(AdapterTensorKind Kind, Tensor Value)> Values();

    /// <summary>The tensors that loading writes into, views of what is trained: those of the file, except where the file holds more than is trained.</summary>
    internal IEnumerable<(AdapterTensorKind Kind, Tensor Value)> Trained() => Values();
}
