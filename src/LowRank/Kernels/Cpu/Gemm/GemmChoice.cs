using LowRank.Runtime;

namespace LowRank.Kernels.Cpu.Gemm;

/// <summary>
/// Whether products of frozen weights run by <see cref="PackedGemm"/> or by libtorch's library. By itself: the own one on AMD processors with AVX2, where MKL takes
/// kernels that reach three quarters of what the processor can do; the library on Intel's, for which it is made. <c>LOWRANK_GEMM=own</c> or <c>library</c> decides otherwise.
/// A choice by measurement would flip with the load of the machine, and with it the last bits of a run.
/// </summary>
internal static class GemmChoice
{
    private static readonly bool ByDefault = Environment.GetEnvironmentVariable("LOWRANK_GEMM") switch
    {
        "own" => GemmTile.IsSupported,
        "library" => false,
        _ => GemmTile.IsSupported && ProcessorInfo.IsAmd,
    };

    [ThreadStatic]
    private static bool? chosen;

    /// <summary>Whether products that this thread begins are the own ones.</summary>
    public static bool IsOwn => chosen ?? ByDefault;

    /// <summary>Decides for this thread until the scope is disposed, on the same thread.</summary>
    /// <param name="own">The own product, where the processor has the instructions.</param>
    public static IDisposable Use(bool own)
    {
        var scope = new Scope(chosen);
        chosen = own && GemmTile.IsSupported;
        return scope;
    }

    private sealed class Scope(bool? before) : IDisposable
    {
        public void Dispose() => chosen = before;
    }
}
