using System.Diagnostics;
using System.Runtime.InteropServices;

namespace LowRank.Runtime;

/// <summary>
/// Loads libtorch and TorchSharp's native part, once per process and by full path, so that TorchSharp finds them loaded.
/// <para>
/// LowRank's own types call <see cref="Load"/> before they use a tensor. A program that uses TorchSharp before it uses LowRank
/// calls it first: TorchSharp's own loader looks in other places, and copies the libraries beside the program when it fails.
/// </para>
/// All members may be called from any thread.
/// </summary>
public static class NativeRuntime
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<string, nint> Handles = new(StringComparer.Ordinal);
    private static volatile NativeRuntimeInfo? info;
    private static int isLoading;

    /// <summary>Whether the libraries are loaded.</summary>
    public static bool IsLoaded => info is not null;

    /// <summary>
    /// Loads the libraries if that has not happened yet. libtorch is taken from <c>LOWRANK_TORCH_LIB</c> when it is set (versions 2.10
    /// and 2.11), else from the program's <c>native</c> folder, the build's native place, the program's <c>runtimes</c> folder, the NuGet packages
    /// folder, or LowRank's cache, whichever has it first; TorchSharp's native part from the same places but the first.
    /// </summary>
    /// <returns>What was loaded, and from where.</returns>
    /// <exception cref="NativeRuntimeException">A library is missing, does not load, or has a version that does not work.</exception>
    public static NativeRuntimeInfo Load()
    {
        if (info is { } loaded) return loaded;
        lock (Gate)
            return info ??= LoadOnce();
    }

    /// <summary>Whether the libtorch that is or will be loaded has CUDA, without waiting until it is.</summary>
    /// <exception cref="NativeRuntimeException">As of <see cref="Load"/>.</exception>
    internal static bool HasCudaLibrary()
    {
        if (info is { } loaded) return loaded.HasCudaLibrary;
        // Where something is missing it is for Load to fetch it, or to say so.
        if (PackagesAreMissing()) return Load().HasCudaLibrary;
        return File.Exists((AlreadyMapped() ?? FindLibTorch()).PathOf(NativeFileNames.TorchCuda));
    }

    /// <summary>
    /// Begins to load the libraries on another thread, which takes half a second, while the caller reads files. What is wrong with them is told by the <see cref="Load"/> that needs
    /// them.
    /// </summary>
    /// <param name="onlyIfPresent">Leaves it where packages would have to be fetched first: the caller does not know yet that they are needed.</param>
    internal static void LoadInBackground(bool onlyIfPresent = false)
    {
        if (info is not null || (onlyIfPresent && !NativeFileNames.Supported) || Interlocked.Exchange(ref isLoading, 1) == 1) return;
        // A thread of its own: for half a second one of the few of the pool would be missed elsewhere.
        var loading = new Thread(() =>
        {
            try
            {
                if (onlyIfPresent && PackagesAreMissing()) Volatile.Write(ref isLoading, 0);
                else Load();
            }
            catch (NativeRuntimeException)
            {
                // Load fails again, and says so to a caller that can tell the user.
            }
        })
        {
            IsBackground = true, Name = "libtorch",
        };
        loading.Start();
        // A process that ends in the middle would run the libraries' destructors beside their constructors.
        AppDomain.CurrentDomain.ProcessExit += (_, _) => loading.Join();
    }

    /// <summary>The handle of a loaded library by its bare name, such as <c>torch_cpu</c>; zero for one that was not loaded.</summary>
    internal static nint HandleOf(string name)
    {
        Load();
        return Handles.GetValueOrDefault(name);
    }

    private static NativeRuntimeInfo LoadOnce()
    {
        if (!NativeFileNames.Supported)
            throw new NativeRuntimeException(
                $"TorchSharp has no native libraries for {RuntimeInformation.RuntimeIdentifier}. LowRank runs on Linux x64, Windows x64 and macOS arm64.");
        // Before the first large allocation of libtorch.
        MallocTuning.Apply();
        if (NativePackageRestore.IsWanted && PackagesAreMissing()) NativePackageRestore.Run(Console.Error);
        var libtorch = AlreadyMapped() ?? FindLibTorch();
        var nativePart = Find("TorchSharp's native part", [libtorch, .. NativePlaces.OfNativePart()], NativeFileNames.NativePart);

        LibTorchVersion.RefuseByFiles(libtorch);
        LoadLibrary("c10", libtorch.PathOf(NativeFileNames.C10));
        LoadLibrary("torch_cpu", libtorch.PathOf(NativeFileNames.TorchCpu));
        var version = LibTorchVersion.Check(libtorch, Handles["torch_cpu"]);
        var cuda = File.Exists(libtorch.PathOf(NativeFileNames.TorchCuda));
        if (cuda)
        {
            LoadLibrary("c10_cuda", libtorch.PathOf(NativeFileNames.C10Cuda));
            LoadLibrary("torch_cuda", libtorch.PathOf(NativeFileNames.TorchCuda));
        }
        LoadLibrary("torch", libtorch.PathOf(NativeFileNames.Torch));
        var part = nativePart.PathOf(NativeFileNames.NativePart);
        var loadable = WeakVersionPatch.Loadable(part);
        LoadLibrary("LibTorchSharp", loadable);
        return new NativeRuntimeInfo
        {
            LibTorchFolder = libtorch.Folder,
            LibTorchSource = libtorch.Source,
            LibTorchVersion = version,
            NativePartPath = loadable,
            NativePartPatched = loadable != part,
            HasCudaLibrary = cuda,
        };
    }

    // A second copy of libtorch in one process would have its own dispatcher, allocator and threads.
    private static NativePlace? AlreadyMapped()
    {
        using var process = Process.GetCurrentProcess();
        foreach (ProcessModule module in process.Modules)
        {
            using (module)
            {
                if (module.FileName is not { } path || Path.GetFileName(path) != NativeFileNames.TorchCpu) continue;
                var mapped = new NativePlace("loaded before LowRank", Path.GetDirectoryName(path)!);
                if (NativePlaces.TorchLib() is { } wanted && !SameFile(wanted.PathOf(NativeFileNames.TorchCpu), path))
                    throw new NativeRuntimeException(
                        $"{NativePlaces.TorchLibVariable} asks for the libtorch in {wanted.Folder}, but {path} is already loaded. " +
                        "Call LowRank.Runtime.NativeRuntime.Load() before the first use of TorchSharp.");
                return mapped;
            }
        }
        return null;
    }

    private static bool PackagesAreMissing() =>
        (NativePlaces.TorchLib() is null && NativePlaces.OfLibTorch().All(place => place.Missing(NativeFileNames.LibTorch).Length > 0))
        || NativePlaces.OfNativePart().All(place => place.Missing(NativeFileNames.NativePart).Length > 0);

    private static bool SameFile(string a, string b) => RealPath(a) == RealPath(b);

    // With every link on the way resolved, as the system names a mapped file.
    private static string RealPath(string path)
    {
        var full = Path.GetFullPath(path);
        var real = Path.GetPathRoot(full)!;
        foreach (var part in full[real.Length..].Split(Path.DirectorySeparatorChar))
        {
            real = Path.Combine(real, part);
            real = File.ResolveLinkTarget(real, returnFinalTarget: true)?.FullName ?? real;
        }
        return real;
    }

    private static NativePlace FindLibTorch()
    {
        if (NativePlaces.TorchLib() is not { } set) return Find("libtorch", NativePlaces.OfLibTorch(), NativeFileNames.LibTorch);
        if (set.Missing(NativeFileNames.LibTorch) is { Length: > 0 } missing)
            throw new NativeRuntimeException(
                $"{NativePlaces.TorchLibVariable} is {set.Folder}, which {(Directory.Exists(set.Folder) ? $"lacks {string.Join(", ", missing)}" : "does not exist")}. " +
                "Set it to the lib folder of a libtorch or PyTorch 2.10 or 2.11 (in Python: os.path.join(os.path.dirname(torch.__file__), 'lib')), or unset it.");
        return set;
    }

    private static NativePlace Find(string what, IEnumerable<NativePlace> places, params string[] names)
    {
        var tried = new List<string>();
        foreach (var place in places)
        {
            if (place.Missing(names) is not { Length: > 0 } missing) return place;
            var line = $"  {place.Source}: {place.Folder} ({(Directory.Exists(place.Folder) ? $"lacks {string.Join(", ", missing)}" : "no such folder")})";
            if (!tried.Contains(line)) tried.Add(line);
        }
        throw new NativeRuntimeException(
            $"""
            {what} was not found ({string.Join(", ", names)}). Looked in:
            {string.Join('\n', tried)}
            Add the packages TorchSharp {NativePackageVersions.TorchSharp} and libtorch-cpu-{NativeFileNames.Rid} {NativePackageVersions.LibTorch} to the program and restore it, or set {NativePlaces.TorchLibVariable} to the lib folder of a libtorch or PyTorch 2.10 or 2.11.
            """);
    }

    private static void LoadLibrary(string name, string path)
    {
        try
        {
            Handles[name] = NativeLibrary.Load(path);
        }
        catch (Exception error) when (error is DllNotFoundException or BadImageFormatException)
        {
            throw new NativeRuntimeException($"{path} does not load. The system says: {error.Message}", error);
        }
    }
}
