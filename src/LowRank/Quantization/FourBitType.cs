namespace LowRank.Quantization;

/// <summary>The values that the sixteen codes of a 4-bit weight stand for.</summary>
public enum FourBitType
{
    /// <summary>4-bit NormalFloat: values at equal shares of a normal distribution (Dettmers et al. 2023, arXiv 2305.14314, section 3).</summary>
    Nf4,

    /// <summary>4-bit floating point with a sign, two exponent bits and one mantissa bit, as bitsandbytes defines it.</summary>
    Fp4,
}
