namespace LowRank.Formats;

/// <summary>
/// How the elements of a stored tensor are encoded: the dtypes of safetensors and the block types of GGUF in one list.
/// Sizes are in <see cref="TensorTypes"/>.
/// </summary>
public enum TensorType
{
    /// <summary>A GGUF type id that this version does not know. Such a tensor can be listed, not read.</summary>
    Unknown,
    /// <summary>IEEE 754 double precision.</summary>
    F64,
    /// <summary>IEEE 754 single precision.</summary>
    F32,
    /// <summary>IEEE 754 half precision.</summary>
    F16,
    /// <summary>The upper 16 bits of single precision.</summary>
    BF16,
    /// <summary>64-bit signed integer.</summary>
    I64,
    /// <summary>32-bit signed integer.</summary>
    I32,
    /// <summary>16-bit signed integer.</summary>
    I16,
    /// <summary>8-bit signed integer.</summary>
    I8,
    /// <summary>8-bit unsigned integer.</summary>
    U8,
    /// <summary>One byte, 0 or 1.</summary>
    Bool,
    /// <summary>8-bit float with 4 exponent and 3 mantissa bits (safetensors <c>F8_E4M3</c>).</summary>
    F8E4M3,
    /// <summary>8-bit float with 5 exponent and 2 mantissa bits (safetensors <c>F8_E5M2</c>).</summary>
    F8E5M2,
    /// <summary>8-bit power of two (safetensors <c>F8_E8M0</c>).</summary>
    F8E8M0,
    /// <summary>16-bit unsigned integer.</summary>
    U16,
    /// <summary>32-bit unsigned integer.</summary>
    U32,
    /// <summary>64-bit unsigned integer.</summary>
    U64,
    /// <summary>Two single-precision floats: a complex number (safetensors <c>C64</c>).</summary>
    C64,
    /// <summary>GGUF: 32 values of 4 bits and a half-precision scale.</summary>
    Q4_0,
    /// <summary>GGUF: 32 values of 4 bits, scale and minimum in half precision.</summary>
    Q4_1,
    /// <summary>GGUF: 32 values of 5 bits and a half-precision scale.</summary>
    Q5_0,
    /// <summary>GGUF: 32 values of 5 bits, scale and minimum in half precision.</summary>
    Q5_1,
    /// <summary>GGUF: 32 values of 8 bits and a half-precision scale.</summary>
    Q8_0,
    /// <summary>GGUF: 32 values of 8 bits, scale and sum; an intermediate of llama.cpp. Listed, not read.</summary>
    Q8_1,
    /// <summary>GGUF: 256 values of 2 bits with 4-bit scales. Listed, not read.</summary>
    Q2_K,
    /// <summary>GGUF: 256 values of 3 bits with 6-bit scales. Listed, not read.</summary>
    Q3_K,
    /// <summary>GGUF: 256 values of 4 bits in 8 groups with 6-bit scales and minimums.</summary>
    Q4_K,
    /// <summary>GGUF: 256 values of 5 bits in 8 groups with 6-bit scales and minimums.</summary>
    Q5_K,
    /// <summary>GGUF: 256 values of 6 bits in 16 groups with 8-bit scales.</summary>
    Q6_K,
    /// <summary>GGUF: 256 values of 8 bits; an intermediate of llama.cpp. Listed, not read.</summary>
    Q8_K,
    /// <summary>GGUF importance-matrix type of 2.06 bits a value. Listed, not read.</summary>
    IQ2_XXS,
    /// <summary>GGUF importance-matrix type of 2.31 bits a value. Listed, not read.</summary>
    IQ2_XS,
    /// <summary>GGUF importance-matrix type of 3.06 bits a value. Listed, not read.</summary>
    IQ3_XXS,
    /// <summary>GGUF importance-matrix type of 1.56 bits a value. Listed, not read.</summary>
    IQ1_S,
    /// <summary>GGUF: 32 values of 4 bits through a non-linear table. Listed, not read.</summary>
    IQ4_NL,
    /// <summary>GGUF importance-matrix type of 3.44 bits a value. Listed, not read.</summary>
    IQ3_S,
    /// <summary>GGUF importance-matrix type of 2.56 bits a value. Listed, not read.</summary>
    IQ2_S,
    /// <summary>GGUF: 256 values of 4 bits through a non-linear table. Listed, not read.</summary>
    IQ4_XS,
    /// <summary>GGUF importance-matrix type of 1.75 bits a value. Listed, not read.</summary>
    IQ1_M,
    /// <summary>GGUF ternary type of 1.69 bits a value. Listed, not read.</summary>
    TQ1_0,
    /// <summary>GGUF ternary type of 2.06 bits a value. Listed, not read.</summary>
    TQ2_0,
    /// <summary>GGUF: 32 values of 4-bit float with a shared power of two. Listed, not read.</summary>
    MXFP4,
}
