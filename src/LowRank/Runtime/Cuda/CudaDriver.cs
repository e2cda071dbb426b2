using System.Runtime.InteropServices;

namespace LowRank.Runtime.Cuda;

/// <summary>
/// The functions of the CUDA driver that LowRank calls (CUDA Driver API: initialization, primary contexts, modules, launch, memory). The driver's library belongs to the system, and
/// libtorch has it loaded wherever it can use a GPU. Every call that fails throws.
/// </summary>
internal sealed unsafe class CudaDriver
{
    private const int MajorAttribute = 75, MinorAttribute = 76;

    private static readonly Lazy<CudaDriver> loaded = new(() => new CudaDriver());

    private readonly nint library;
    private readonly delegate* unmanaged<nint*, int, int> retainPrimary;
    private readonly delegate* unmanaged<nint, int> pushContext;
    private readonly delegate* unmanaged<nint*, int> popContext;
    private readonly delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, int> launch;

    private CudaDriver()
    {
        var names = OperatingSystem.IsWindows() ? (string[])["nvcuda.dll"] : ["libcuda.so.1", "libcuda.so"];
        foreach (var name in names)
            if (NativeLibrary.TryLoad(name, out library)) break;
        if (library == 0) throw new CudaException($"The CUDA driver ({names[0]}) does not load: install or mend the NVIDIA driver.");
        Check("cuInit", ((delegate* unmanaged<uint, int>)Export("cuInit"))(0));
        retainPrimary = (delegate* unmanaged<nint*, int, int>)Export("cuDevicePrimaryCtxRetain");
        pushContext = (delegate* unmanaged<nint, int>)Export("cuCtxPushCurrent_v2");
        popContext = (delegate* unmanaged<nint*, int>)Export("cuCtxPopCurrent_v2");
        launch = (delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, int>)Export("cuLaunchKernel");
    }

    /// <summary>The driver, loaded on first use.</summary>
    /// <exception cref="CudaException">There is none.</exception>
    public static CudaDriver Instance => loaded.Value;

    /// <summary>The context of a device that libtorch uses too. It is kept for the life of the process, as libtorch keeps it.</summary>
    public nint PrimaryContext(int device)
    {
        nint context;
        Check("cuDevicePrimaryCtxRetain", retainPrimary(&context, Ordinal(device)));
        return context;
    }

    /// <summary>Makes a context the current one of this thread until the scope is disposed.</summary>
    public Current Enter(nint context) => new(this, context);

    /// <summary>Loads compiled kernels into the current context.</summary>
    /// <param name="image">cubin or PTX; PTX ends in a zero.</param>
    public nint LoadModule(ReadOnlySpan<byte> image)
    {
        nint module;
        fixed (byte* bytes = image) Check("cuModuleLoadData", ((delegate* unmanaged<nint*, void*, int>)Export("cuModuleLoadData"))(&module, bytes));
        return module;
    }

    /// <summary>A kernel of a module.</summary>
    public nint Function(nint module, string name)
    {
        nint function;
        var text = Marshal.StringToCoTaskMemUTF8(name);
        try
        {
            Check($"cuModuleGetFunction({name})", ((delegate* unmanaged<nint*, nint, nint, int>)Export("cuModuleGetFunction"))(&function, module, text));
        }
        finally
        {
            Marshal.FreeCoTaskMem(text);
        }
        return function;
    }

    /// <summary>Starts a kernel in the current context.</summary>
    public void Launch(nint function, uint gridX, uint gridY, uint threads, nint stream, void** parameters) =>
        Check("cuLaunchKernel", launch(function, gridX, gridY, 1, threads, 1, 1, 0, stream, parameters, null));

    /// <summary>Compute capability of a device.</summary>
    public (int Major, int Minor) Capability(int device)
    {
        var attribute = (delegate* unmanaged<int*, int, int, int>)Export("cuDeviceGetAttribute");
        int major, minor, ordinal = Ordinal(device);
        Check("cuDeviceGetAttribute", attribute(&major, MajorAttribute, ordinal));
        Check("cuDeviceGetAttribute", attribute(&minor, MinorAttribute, ordinal));
        return (major, minor);
    }

    /// <summary>The maker's name of a device.</summary>
    public string Name(int device)
    {
        const int room = 256;
        var text = stackalloc byte[room];
        Check("cuDeviceGetName", ((delegate* unmanaged<byte*, int, int, int>)Export("cuDeviceGetName"))(text, room, Ordinal(device)));
        return Marshal.PtrToStringUTF8((nint)text) ?? "";
    }

    /// <summary>The address of a device on the PCI bus, such as <c>0000:1B:00.0</c>.</summary>
    public string BusId(int device)
    {
        const int room = 32;
        var text = stackalloc byte[room];
        Check("cuDeviceGetPCIBusId", ((delegate* unmanaged<byte*, int, int, int>)Export("cuDeviceGetPCIBusId"))(text, room, Ordinal(device)));
        return Marshal.PtrToStringUTF8((nint)text) ?? "";
    }

    /// <summary>Free and all bytes of the current context's device.</summary>
    public (long Free, long Total) Memory()
    {
        nuint free, total;
        Check("cuMemGetInfo", ((delegate* unmanaged<nuint*, nuint*, int>)Export("cuMemGetInfo_v2"))(&free, &total));
        return ((long)free, (long)total);
    }

    private int Ordinal(int device)
    {
        int ordinal;
        Check("cuDeviceGet", ((delegate* unmanaged<int*, int, int>)Export("cuDeviceGet"))(&ordinal, device));
        return ordinal;
    }

    private void* Export(string name) => NativeLibrary.TryGetExport(library, name, out var address) ? (void*)address
        : throw new CudaException($"The CUDA driver has no function {name}: it is older than CUDA 12. Update the NVIDIA driver.");

    private void Check(string call, int result)
    {
        if (result == 0) return;
        byte* text = null;
        if (NativeLibrary.TryGetExport(library, "cuGetErrorString", out var describe)) _ = ((delegate* unmanaged<int, byte**, int>)describe)(result, &text);
        throw new CudaException($"The CUDA driver refused {call}: {(text is null ? "error" : Marshal.PtrToStringUTF8((nint)text))} ({result}).");
    }

    /// <summary>A context that is current on this thread.</summary>
    internal readonly ref struct Current
    {
        private readonly CudaDriver driver;

        internal Current(CudaDriver driver, nint context)
        {
            this.driver = driver;
            driver.Check("cuCtxPushCurrent", driver.pushContext(context));
        }

        /// <summary>Brings the earlier one back.</summary>
        public void Dispose()
        {
            nint left;
            driver.Check("cuCtxPopCurrent", driver.popContext(&left));
        }
    }
}
