using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Quantization;
using static TorchSharp.torch;

namespace LowRank.Models.Checkpoints;

/// <summary>Reads a model of random weights: whatever is asked for is there, in the shape that is asked for.</summary>
/// <param name="source">The weights.</param>
/// <param name="name">What the model is called.</param>
/// <param name="fingerprint">Takes the fingerprint of what is read.</param>
/// <param name="quantization">The form in which matrices of the layers are stored; null for bf16.</param>
/// <param name="device">Where the tensors are wanted.</param>
internal sealed class RandomWeightReader(RandomWeights source, string name, BaseFingerprintBuilder fingerprint, FourBitOptions? quantization, Device device)
    : WeightReader(source, name, fingerprint, mapped: false, quantization, device)
{
    private readonly RandomWeights weights = source;

    /// <inheritdoc/>
    protected override bool Check(string name, long[] shape, out TensorInfo info)
    {
        info = weights.Declare(name, shape);
        return true;
    }
}
