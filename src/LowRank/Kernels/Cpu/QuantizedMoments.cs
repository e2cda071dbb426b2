namespace LowRank.Kernels.Cpu;

/// <summary>Where the 8-bit moments of a piece of a tensor lie.</summary>
/// <param name="codes1">Codes of the first moments, signed map.</param>
/// <param name="codes2">Codes of the second moments, unsigned map.</param>
/// <param name="scales1">A scale for each 256 codes of the first.</param>
/// <param name="scales2">A scale for each 256 codes of the second.</param>
internal readonly unsafe struct QuantizedMoments(byte* codes1, byte* codes2, float* scales1, float* scales2)
{
    /// <summary>Codes of the first moments.</summary>
    public byte* Codes1 { get; } = codes1;

    /// <summary>Codes of the second moments.</summary>
    public byte* Codes2 { get; } = codes2;

    /// <summary>Scales of the first moments.</summary>
    public float* Scales1 { get; } = scales1;

    /// <summary>Scales of the second moments.</summary>
    public float* Scales2 { get; } = scales2;
}
