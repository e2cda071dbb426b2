using System.Runtime.InteropServices;
using System.Text;

namespace LowRank.Runtime.Cuda;

/// <summary>NVIDIA's run-time compiler (NVRTC, CUDA 12 or 13; 11.2 compiles too). It needs no GPU.</summary>
internal sealed unsafe class Nvrtc
{
    private readonly nint library;

    private Nvrtc(nint library, string path)
    {
        (this.library, Path) = (library, path);
        int major, minor;
        Check("nvrtcVersion", ((delegate* unmanaged<int*, int*, int>)Export("nvrtcVersion"))(&major, &minor));
        Version = new Version(major, minor);
    }

    /// <summary>Its version, such as 12.8.</summary>
    public Version Version { get; }

    /// <summary>The file or name that was loaded.</summary>
    public string Path { get; }

    /// <summary>Loads it.</summary>
    /// <param name="libTorch">libtorch's folder, beside which it is looked for.</param>
    /// <exception cref="CudaException">It is nowhere, or too old.</exception>
    public static Nvrtc Load(string libTorch)
    {
        foreach (var place in NvrtcPlaces.All(libTorch))
        {
            foreach (var builtins in NvrtcPlaces.BuiltinsBeside(place)) _ = NativeLibrary.TryLoad(builtins, out _);
            if (NativeLibrary.TryLoad(place, out var library)) return new Nvrtc(library, place);
        }
        throw new CudaException($"NVRTC was not found beside libtorch ({libTorch}), in the folders of NVIDIA's packages next to it, or by the system. It is part of a PyTorch with CUDA " +
            $"(nvidia-cuda-nvrtc) and of the CUDA toolkit; {NvrtcPlaces.Variable} may name its file.");
    }

    /// <summary>
    /// What to compile for: the device's own architecture where this NVRTC knows it (machine code), else the newest one that it knows below it (PTX, which the driver translates).
    /// </summary>
    /// <param name="capability">The device's compute capability.</param>
    /// <exception cref="CudaException">The device is older than everything that this NVRTC knows.</exception>
    public string ArchitectureFor((int Major, int Minor) capability)
    {
        int count;
        Check("nvrtcGetNumSupportedArchs", ((delegate* unmanaged<int*, int>)Export("nvrtcGetNumSupportedArchs"))(&count));
        var known = new int[count];
        fixed (int* first = known) Check("nvrtcGetSupportedArchs", ((delegate* unmanaged<int*, int>)Export("nvrtcGetSupportedArchs"))(first));
        var wanted = capability.Major * 10 + capability.Minor;
        if (known.Contains(wanted)) return $"sm_{wanted}";
        return known.Where(k => k < wanted).DefaultIfEmpty().Max() is > 0 and var newest ? $"compute_{newest}"
            : throw new CudaException($"NVRTC {Version} compiles for compute capabilities from {known.Min() / 10.0:0.0} on; this GPU has {capability.Major}.{capability.Minor}.");
    }

    /// <summary>Compiles a source.</summary>
    /// <param name="source">CUDA C++.</param>
    /// <param name="options">Options; that of the architecture decides whether machine code or PTX comes out.</param>
    /// <returns>cubin for <c>sm_</c>, PTX with its final zero for <c>compute_</c>.</returns>
    /// <exception cref="CudaException">The source does not compile; the compiler's log is in the message.</exception>
    public byte[] Compile(string source, IReadOnlyList<string> options)
    {
        nint program;
        var (text, name) = (Encoding.UTF8.GetBytes(source + "\0"), "Kernels.cu\0"u8.ToArray());
        fixed (byte* code = text, title = name)
            Check("nvrtcCreateProgram", ((delegate* unmanaged<nint*, byte*, byte*, int, byte**, byte**, int>)Export("nvrtcCreateProgram"))(&program, code, title, 0, null, null));
        var given = options.Select(Marshal.StringToCoTaskMemUTF8).ToArray();
        try
        {
            int result;
            fixed (nint* first = given) result = ((delegate* unmanaged<nint, int, nint*, int>)Export("nvrtcCompileProgram"))(program, given.Length, first);
            if (result != 0) throw new CudaException($"NVRTC {Version} did not compile the kernels ({string.Join(' ', options)}):\n{Encoding.UTF8.GetString(Read(program, "nvrtcGetProgramLogSize", "nvrtcGetProgramLog")).TrimEnd('\0').Trim()}");
            return options.Any(o => o.Contains("compute_", StringComparison.Ordinal)) ? Read(program, "nvrtcGetPTXSize", "nvrtcGetPTX") : Read(program, "nvrtcGetCUBINSize", "nvrtcGetCUBIN");
        }
        finally
        {
            foreach (var option in given) Marshal.FreeCoTaskMem(option);
            _ = ((delegate* unmanaged<nint*, int>)Export("nvrtcDestroyProgram"))(&program);
        }
    }

    private byte[] Read(nint program, string sizeOf, string get)
    {
        nuint size;
        Check(sizeOf, ((delegate* unmanaged<nint, nuint*, int>)Export(sizeOf))(program, &size));
        var bytes = new byte[size];
        fixed (byte* first = bytes) Check(get, ((delegate* unmanaged<nint, byte*, int>)Export(get))(program, first));
        return bytes;
    }

    private void* Export(string name) => NativeLibrary.TryGetExport(library, name, out var address) ? (void*)address
        : throw new CudaException($"{Path} has no function {name}: it is older than NVRTC 11.2. Set {NvrtcPlaces.Variable} to a newer one.");

    private void Check(string call, int result)
    {
        if (result == 0) return;
        var text = NativeLibrary.TryGetExport(library, "nvrtcGetErrorString", out var describe) ? Marshal.PtrToStringUTF8((nint)((delegate* unmanaged<int, byte*>)describe)(result)) : null;
        throw new CudaException($"NVRTC refused {call}: {text ?? "error"} ({result}).");
    }
}
