namespace LowRank.Runtime.Cuda;

/// <summary>
/// Where NVRTC is looked for: in the file that <c>LOWRANK_NVRTC</c> names, beside libtorch, in the folders of NVIDIA's packages next to a Python install's torch (CUDA 12:
/// <c>nvidia/cuda_nvrtc/lib</c>, CUDA 13: <c>nvidia/cu13/lib</c>), and last by name, as the system finds libraries.
/// </summary>
internal static class NvrtcPlaces
{
    /// <summary>The variable that names the library's file.</summary>
    public const string Variable = "LOWRANK_NVRTC";

    private static readonly string[] Folders = [".", "../../nvidia/cuda_nvrtc/lib", "../../nvidia/cuda_nvrtc/bin", "../../nvidia/cu13/lib", "../../nvidia/cu13/bin/x86_64"];

    private static readonly string[] Names = OperatingSystem.IsWindows() ? ["nvrtc64_130_0.dll", "nvrtc64_120_0.dll"] : ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"];

    /// <summary>Files and names to try in this order.</summary>
    /// <param name="libTorch">libtorch's folder.</param>
    public static IEnumerable<string> All(string libTorch)
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } set) return [Path.GetFullPath(set)];
        return [.. Folders.SelectMany(f => Libraries(Path.GetFullPath(Path.Combine(libTorch, f)))), .. Names];
    }

    /// <summary>The libraries of built-in functions that NVRTC opens by name alone: they must be loaded before, because no search path leads to the folder.</summary>
    public static IEnumerable<string> BuiltinsBeside(string library)
    {
        var folder = Path.GetDirectoryName(library);
        return string.IsNullOrEmpty(folder) || !Directory.Exists(folder) ? []
            : Directory.EnumerateFiles(folder, OperatingSystem.IsWindows() ? "nvrtc-builtins64_*.dll" : "libnvrtc-builtins*.so.*");
    }

    // A wheel's own copy has a mark in its name (libnvrtc-672ee683.so.12); libnvrtc.alt is another build of the same, libnvrtc-builtins another library.
    private static IEnumerable<string> Libraries(string folder) => !Directory.Exists(folder) ? []
        : Directory.EnumerateFiles(folder, OperatingSystem.IsWindows() ? "nvrtc64_*.dll" : "libnvrtc*.so*")
            .Where(f => !Path.GetFileName(f).Contains("builtins", StringComparison.Ordinal) && !Path.GetFileName(f).Contains(".alt", StringComparison.Ordinal))
            .OrderDescending(StringComparer.Ordinal);
}
