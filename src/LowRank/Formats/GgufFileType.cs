namespace LowRank.Formats;

/// <summary>
/// What a GGUF file of a model is made of (<c>general.file_type</c>, llama.cpp's <c>enum llama_ftype</c>). Norms, biases and other vectors are F32 in each; which type
/// a matrix gets in the mixtures is llama.cpp's rule.
/// </summary>
public enum GgufFileType
{
    /// <summary>All in single precision.</summary>
    F32 = 0,

    /// <summary>Matrices in half precision.</summary>
    F16 = 1,

    /// <summary>Matrices in 4 bits with a scale for each 32, the output matrix in Q6_K.</summary>
    Q4_0 = 2,

    /// <summary>Matrices in 8 bits with a scale for each 32.</summary>
    Q8_0 = 7,

    /// <summary>Matrices in Q4_K; the output matrix, and in half of the layers the value and down projections, in Q6_K.</summary>
    Q4_K_M = 15,

    /// <summary>Matrices in bf16.</summary>
    BF16 = 32,
}
