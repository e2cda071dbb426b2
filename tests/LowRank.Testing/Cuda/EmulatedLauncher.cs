using System.Diagnostics;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using LowRank.Kernels.Cuda;

namespace LowRank.Testing.Cuda;

/// <summary>
/// Runs the CUDA kernels on the processor, over tensors of the CPU: the source that NVRTC compiles, compiled by g++ with <c>Emulation.cpp</c> around it. So the wrappers' arguments and
/// grids are tested with it, and only the driver is not.
/// </summary>
internal sealed unsafe class EmulatedLauncher : IKernelLauncher
{
    private static readonly Lazy<(EmulatedLauncher? Launcher, string? Missing)> shared = new(Build);

    private readonly delegate* unmanaged<byte*, uint, uint, uint, void**, int> launch;

    private EmulatedLauncher(string library) => launch = (delegate* unmanaged<byte*, uint, uint, uint, void**, int>)NativeLibrary.GetExport(NativeLibrary.Load(library), "launch");

    /// <summary>Why there is none, or null.</summary>
    public static string? Missing => shared.Value.Missing;

    /// <summary>The kernels over it.</summary>
    public static CudaKernels Kernels { get; } = new(shared.Value.Launcher ?? throw new InvalidOperationException(shared.Value.Missing));

    /// <summary>The kernels that were started by name, for whoever wants to know that they were.</summary>
    public static HashSet<string> Started { get; } = new(StringComparer.Ordinal);

    public void Launch(string kernel, uint gridX, uint gridY, ReadOnlySpan<KernelArgument> arguments)
    {
        var parameters = stackalloc void*[arguments.Length];
        int result;
        fixed (byte* name = Encoding.ASCII.GetBytes(kernel + "\0"))
        fixed (KernelArgument* first = arguments)
        {
            for (var i = 0; i < arguments.Length; i++) parameters[i] = first + i;
            result = launch(name, gridX, gridY, CudaKernels.Threads, parameters);
        }
        if (result != 0) throw new InvalidOperationException(result == 1 ? $"Emulation.cpp does not know the kernel {kernel}." : $"{kernel}: threads of a block part at a barrier.");
        lock (Started) Started.Add(kernel);
    }

    private static (EmulatedLauncher? Launcher, string? Missing) Build()
    {
        if (!OperatingSystem.IsLinux()) return (null, "the kernels are run on the processor on Linux only");
        using var resource = typeof(EmulatedLauncher).Assembly.GetManifestResourceStream("Emulation.cpp")!;
        using var reader = new StreamReader(resource);
        var emulation = reader.ReadToEnd();
        // One folder for each state of the sources: test programs that run at the same time or later share it.
        var folder = Path.Combine(Path.GetTempPath(), $"lowrank-kernels-{XxHash64.HashToUInt64(Encoding.UTF8.GetBytes(emulation + KernelImage.Source)):x16}");
        var library = Path.Combine(folder, "libkernels.so");
        if (!File.Exists(library))
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(Path.Combine(folder, "Emulation.cpp"), emulation);
            File.WriteAllText(Path.Combine(folder, "Kernels.cu"), KernelImage.Source);
            var made = Path.Combine(folder, $"{Guid.NewGuid():N}.so");
            // -ffp-contract=off is --fmad=false.
            var start = new ProcessStartInfo("g++") { WorkingDirectory = folder, RedirectStandardError = true };
            foreach (var argument in (string[])["-std=c++17", "-O2", "-ffp-contract=off", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=0", "-fno-strict-aliasing", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", made, "Emulation.cpp"]) start.ArgumentList.Add(argument);
            try
            {
                using var process = Process.Start(start)!;
                var errors = process.StandardError.ReadToEnd();
                process.WaitForExit();
                if (process.ExitCode != 0) throw new InvalidOperationException($"g++ did not compile the kernels:\n{errors}");
            }
            catch (System.ComponentModel.Win32Exception)
            {
                return (null, "there is no g++ to compile the CUDA kernels for the processor");
            }
            File.Move(made, library, overwrite: true);
        }
        return (new EmulatedLauncher(library), null);
    }
}
