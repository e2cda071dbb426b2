using LowRank.Layers;

namespace LowRank.Models.Decoder;

/// <summary>A linear layer that a decoder's layer has, as far as names and sizes go.</summary>
/// <param name="Name">The name within the layer, such as <c>self_attn.q_proj</c>.</param>
/// <param name="OutFeatures">Rows of the weight.</param>
/// <param name="InFeatures">Columns of the weight.</param>
/// <param name="HasBias">Whether there is a bias.</param>
/// <param name="Role">What it is for.</param>
internal sealed record DecoderLinear(string Name, long OutFeatures, long InFeatures, bool HasBias, LinearRole Role = LinearRole.Layer);
