using System.Runtime.InteropServices;

namespace LowRank.Runtime.Interop;

/// <summary>The functions of Intel MKL that libtorch's builds for x86-64 Linux carry and export. Null where this libtorch has none.</summary>
internal static unsafe class Mkl
{
    /// <summary>BLAS <c>sgemm</c>: transA, transB, m, n, k, alpha, A, lda, B, ldb, beta, C, ldc; matrices in column-major order.</summary>
    public static readonly delegate* unmanaged<byte*, byte*, int*, int*, int*, float*, float*, int*, float*, int*, float*, float*, int*, void> Sgemm =
        (delegate* unmanaged<byte*, byte*, int*, int*, int*, float*, float*, int*, float*, int*, float*, float*, int*, void>)Export("sgemm_");

    /// <summary>Sets the number of threads that MKL takes when this thread calls it (0: the process's setting); returns the number before.</summary>
    public static readonly delegate* unmanaged<int, int> SetNumThreadsLocal = (delegate* unmanaged<int, int>)Export("MKL_Set_Num_Threads_Local");

    /// <summary>Whether both are there.</summary>
    public static bool Present => Sgemm is not null && SetNumThreadsLocal is not null;

    private static void* Export(string name) =>
        NativeLibrary.TryGetExport(NativeRuntime.HandleOf("torch_cpu"), name, out var address) ? (void*)address : null;
}
