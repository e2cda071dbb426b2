namespace LowRank.Kernels.Cpu.Decoding;

/// <summary>The order in which a product of few rows reads its input beside the plain one, so that what comes out of a stored weight in vectors need not be put in order for each output.</summary>
internal enum InputOrder
{
    /// <summary>As it is.</summary>
    Plain,

    /// <summary>Of each 16 values the even ones, then the odd ones: <see cref="BFloat16Gemv.Deal"/>.</summary>
    EvenOdd,

    /// <summary>Of each 64 values as two codes a byte are unpacked: <see cref="FourBitGemv.Arrange"/>.</summary>
    Codes,
}
