using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using LowRank.Runtime;
using LowRank.Runtime.Cuda;

namespace LowRank.Kernels.Cuda;

/// <summary>Starts kernels on a GPU: in libtorch's context, on the stream that libtorch uses on the calling thread, so that they stand in order with its own. For any thread.</summary>
internal sealed unsafe class CudaLauncher : IKernelLauncher
{
    // aoti_torch_get_current_cuda_stream(device index, stream): torch/csrc/inductor/aoti_torch/c/shim.h of PyTorch 2.10.
    private static readonly delegate* unmanaged<int, nint*, int> currentStream = (delegate* unmanaged<int, nint*, int>)
        (NativeLibrary.TryGetExport(NativeRuntime.HandleOf("torch_cuda"), "aoti_torch_get_current_cuda_stream", out var address) ? address : 0);

    private readonly CudaDriver driver = CudaDriver.Instance;
    private readonly ConcurrentDictionary<string, nint> functions = new(StringComparer.Ordinal);
    private readonly int device;
    private readonly nint context;
    private readonly nint module;

    /// <summary>Loads compiled kernels onto a device.</summary>
    /// <exception cref="CudaException">The driver refuses them.</exception>
    public CudaLauncher(int device, KernelImage image)
    {
        this.device = device;
        context = driver.PrimaryContext(device);
        using var current = driver.Enter(context);
        module = driver.LoadModule(image.Bytes);
    }

    /// <inheritdoc/>
    public void Launch(string kernel, uint gridX, uint gridY, ReadOnlySpan<KernelArgument> arguments)
    {
        using var current = driver.Enter(context);
        var function = functions.GetOrAdd(kernel, static (name, self) => self.driver.Function(self.module, name), this);
        var parameters = stackalloc void*[arguments.Length];
        fixed (KernelArgument* first = arguments)
        {
            for (var i = 0; i < arguments.Length; i++) parameters[i] = first + i;
            driver.Launch(function, gridX, gridY, CudaKernels.Threads, Stream(), parameters);
        }
    }

    // TorchSharp changes no stream, so without the function the default one is right.
    private nint Stream()
    {
        nint stream = 0;
        if (currentStream is not null && currentStream(device, &stream) != 0) throw new CudaException($"libtorch does not tell its stream of cuda:{device}.");
        return stream;
    }
}
