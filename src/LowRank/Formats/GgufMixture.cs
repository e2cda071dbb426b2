using System.Globalization;

namespace LowRank.Formats;

/// <summary>
/// Which type each tensor of a model gets: for F32, F16, BF16 and Q8_0 the rule of llama.cpp's <c>convert_hf_to_gguf.py</c> (<c>prepare_tensors</c>), for Q4_0 and
/// Q4_K_M that of its <c>llama-quantize</c> (<c>src/llama-quant.cpp</c>, <c>llama_tensor_get_type</c>), without importance matrix.
/// </summary>
/// <param name="fileType">The kind of file.</param>
/// <param name="layers">Layers of the model.</param>
/// <param name="hasOutput">Whether there is an output matrix beside the embedding.</param>
/// <param name="sharesValueHeads">Whether several query heads share one value head.</param>
internal sealed class GgufMixture(GgufFileType fileType, long layers, bool hasOutput, bool sharesValueHeads)
{
    /// <summary>The type of a tensor.</summary>
    /// <param name="name">Its name in GGUF.</param>
    /// <param name="shape">Its row-major shape.</param>
    /// <exception cref="NotSupportedException">The rows do not divide into blocks; the message says which number is needed.</exception>
    public TensorType TypeOf(string name, long[] shape)
    {
        // Only matrices named as weights are ever quantized.
        if (shape.Length <= 1 || !name.EndsWith(".weight", StringComparison.Ordinal) || name.EndsWith("_norm.weight", StringComparison.Ordinal)) return TensorType.F32;
        var type = fileType switch
        {
            GgufFileType.F32 => TensorType.F32,
            GgufFileType.F16 => TensorType.F16,
            GgufFileType.BF16 => TensorType.BF16,
            GgufFileType.Q8_0 => TensorType.Q8_0,
            _ => InMixture(name, shape[^1]),
        };
        // llama.cpp takes another type where rows do not divide into blocks of 256.
        if (shape[^1] % type.BlockSize() != 0)
            type = type switch { TensorType.Q4_K => TensorType.Q5_0, TensorType.Q5_K => TensorType.Q5_1, TensorType.Q6_K => TensorType.Q8_0, _ => type };
        return shape[^1] % type.BlockSize() == 0 ? type
            : throw new NotSupportedException(string.Create(CultureInfo.InvariantCulture, $"'{name}' has rows of {shape[^1]}, no multiple of the {type.BlockSize()} values in a block of {type}"));
    }

    private TensorType InMixture(string name, long columns)
    {
        var common = fileType == GgufFileType.Q4_0 ? TensorType.Q4_0 : TensorType.Q4_K;
        // A tied embedding is the output matrix as well.
        if (name == GgufNames.Output || name == GgufNames.Embedding && !hasOutput) return columns % common.BlockSize() == 0 ? TensorType.Q6_K : TensorType.Q8_0;
        if (fileType != GgufFileType.Q4_K_M || name.Split('.') is not ["blk", var number, var module, _]) return common;
        var layer = long.Parse(number, CultureInfo.InvariantCulture);
        return module switch
        {
            "attn_v" or "attn_qkv" when HasMoreBits(layer) => TensorType.Q6_K,
            // The 70B models: a value matrix is small where eight heads share it, so more bits cost little.
            "attn_v" or "attn_qkv" when layers == 80 && sharesValueHeads => TensorType.Q5_K,
            "ffn_down" when HasMoreBits(layer) => TensorType.Q6_K,
            _ => common,
        };
    }

    // The first and the last eighth, and every third between.
    private bool HasMoreBits(long layer) => layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
}
