using System.Runtime.InteropServices;
using LowRank.Runtime.Cuda;

namespace LowRank.Training.Accumulation;

/// <summary>Tells errors for lack of memory from others: libtorch has one type for all of its errors, so that its words decide.</summary>
internal static class OutOfMemory
{
    // c10's allocators on the GPU and on the processor, the CUDA driver's and cuBLAS's own words.
    private static readonly string[] Words = ["out of memory", "not enough memory: you tried to allocate", "can't allocate memory: you tried to allocate", "CUBLAS_STATUS_ALLOC_FAILED"];

    /// <summary>Whether an error, or what caused it, is a lack of memory.</summary>
    public static bool Is(Exception? error)
    {
        for (; error is not null; error = error.InnerException)
            if (error is OutOfMemoryException || error is ExternalException or CudaException && Words.Any(w => error.Message.Contains(w, StringComparison.OrdinalIgnoreCase))) return true;
        return false;
    }
}
