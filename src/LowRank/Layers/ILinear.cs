using static TorchSharp.torch;

namespace LowRank.Layers;

/// <summary>A linear map as the models of LowRank hold it: frozen, adapted or trained.</summary>
public interface ILinear : IDisposable
{
    /// <summary>Size of the last dimension of the input.</summary>
    long InFeatures { get; }

    /// <summary>Size of the last dimension of the output.</summary>
    long OutFeatures { get; }

    /// <summary>Maps <paramref name="x"/> <c>[.., inFeatures]</c> to <c>[.., outFeatures]</c>, in its dtype.</summary>
    Tensor Forward(Tensor x);

    /// <summary>What the layer computes now for an fp32 input, where that is a frozen product with at most a plain low-rank update; else null.</summary>
    internal LinearPart? PartFor() => null;
}
