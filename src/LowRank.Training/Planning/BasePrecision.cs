namespace LowRank.Training.Planning;

/// <summary>How the base's linear weights are held.</summary>
public enum BasePrecision
{
    /// <summary>4 bytes a parameter.</summary>
    Fp32,

    /// <summary>2 bytes a parameter.</summary>
    Bf16,

    /// <summary>NF4 with fp32 scales of blocks of 64: 4.5 bits. Token table, head, biases and norms stay in 16 bits.</summary>
    Nf4,

    /// <summary>NF4 with double quantization: scales in 8 bits, 4.127 bits a parameter.</summary>
    Nf4Double,
}
