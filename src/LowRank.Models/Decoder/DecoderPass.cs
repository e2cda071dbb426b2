using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>What all layers share in one forward pass.</summary>
/// <param name="Input">The batch.</param>
/// <param name="Rope">The rotation.</param>
/// <param name="Angles">Cosine and sine for the batch's positions.</param>
internal sealed record DecoderPass(DecoderInput Input, RotaryEmbedding Rope, (Tensor Cos, Tensor Sin) Angles);
