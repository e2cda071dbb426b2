using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LowRank.Kernels.Cpu;

/// <summary>The instruction sets that 4-bit kernels are written for. All give the same bytes; a test runs each that the processor has.</summary>
internal enum VectorPath
{
    /// <summary>One value at a time: what the others are compared with.</summary>
    Scalar,

    /// <summary>128-bit vectors of any processor.</summary>
    Vector128,

    /// <summary>x86-64 with AVX2.</summary>
    Avx2,

    /// <summary>x86-64 with AVX-512 F.</summary>
    Avx512,
}

/// <summary>Which <see cref="VectorPath"/> this processor takes.</summary>
internal static class VectorPaths
{
    /// <summary>The fastest path of this processor. <c>DOTNET_EnableAVX512F=0</c>, <c>DOTNET_EnableAVX2=0</c> and <c>DOTNET_EnableHWIntrinsic=0</c> lower it.</summary>
    public static VectorPath Fastest { get; } =
        IsSupported(VectorPath.Avx512) ? VectorPath.Avx512
        : IsSupported(VectorPath.Avx2) ? VectorPath.Avx2
        : IsSupported(VectorPath.Vector128) ? VectorPath.Vector128
        : VectorPath.Scalar;

    /// <summary>Whether this processor can run a path.</summary>
    public static bool IsSupported(VectorPath path) => path switch
    {
        VectorPath.Avx512 => Avx512F.IsSupported && Avx2.IsSupported,
        VectorPath.Avx2 => Avx2.IsSupported,
        VectorPath.Vector128 => Vector128.IsHardwareAccelerated,
        _ => true,
    };
}
