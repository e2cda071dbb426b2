using LowRank.Autograd;
using static TorchSharp.torch;

namespace LowRank.Layers;

/// <summary>Computes parts that read one input: their products by one node, and then the factors of those that have some.</summary>
internal static class LinearParts
{
    /// <summary>The outputs for the fp32 input <paramref name="x"/> <c>[.., in]</c>: <c>[.., outᵢ]</c> each.</summary>
    public static Tensor[] Forward(Tensor x, params LinearPart[] parts)
    {
        if (Array.TrueForAll(parts, p => p.Factors is null)) return LinearPartsNode.Apply(x, parts);
        // A bias is added behind the factors.
        var outputs = LinearPartsNode.Apply(x, Array.ConvertAll(parts, p => p.Factors is null ? p : p with { Bias = null }));
        for (var i = 0; i < parts.Length; i++)
        {
            if (parts[i].Factors is not { } factors) continue;
            using var product = outputs[i];
            outputs[i] = ColumnFactorsNode.Apply(product, factors, parts[i].Bias);
        }
        return outputs;
    }
}
