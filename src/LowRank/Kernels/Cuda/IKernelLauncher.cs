namespace LowRank.Kernels.Cuda;

/// <summary>Starts kernels of <c>Kernels.cu</c>: on a GPU, or in tests on the processor.</summary>
internal interface IKernelLauncher
{
    /// <summary>Starts a kernel with <see cref="CudaKernels.Threads"/> threads a block.</summary>
    /// <param name="kernel">Its name.</param>
    /// <param name="gridX">Blocks.</param>
    /// <param name="gridY">Blocks in the second dimension.</param>
    /// <param name="arguments">Its parameters in their order.</param>
    void Launch(string kernel, uint gridX, uint gridY, ReadOnlySpan<KernelArgument> arguments);
}
