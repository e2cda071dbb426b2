namespace LowRank.Runtime;

/// <summary>
/// Where native libraries are looked for, in this order: <c>LOWRANK_TORCH_LIB</c> (libtorch only), the program's <c>native/</c>,
/// the place that the build tells in <c>native.place</c>, what .NET itself would probe, the NuGet packages folder
/// in the exact versions, and the user's cache.
/// </summary>
internal static class NativePlaces
{
    public const string TorchLibVariable = "LOWRANK_TORCH_LIB";

    /// <summary>The user's folder of what LowRank keeps from one start to the next; <c>LOWRANK_CACHE</c> moves it.</summary>
    public static string UserFolder =>
        Environment.GetEnvironmentVariable("LOWRANK_CACHE") is { Length: > 0 } set ? Path.GetFullPath(set)
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "lowrank");

    /// <summary>Where libraries lie that LowRank fetched or patched.</summary>
    public static string UserCache => Path.Combine(UserFolder, "native");

    /// <summary>The folder of <c>LOWRANK_TORCH_LIB</c>, or null when it is not set.</summary>
    public static NativePlace? TorchLib() =>
        Environment.GetEnvironmentVariable(TorchLibVariable) is { Length: > 0 } set
            ? new(TorchLibVariable, Path.GetFullPath(set)) : null;

    /// <summary>The places of libtorch, the best one first, without <c>LOWRANK_TORCH_LIB</c>.</summary>
    public static IEnumerable<NativePlace> OfLibTorch() =>
        [.. OfProgram(), .. Packages($"libtorch-cpu-{NativeFileNames.Rid}", NativePackageVersions.LibTorch)];

    /// <summary>The places of TorchSharp's native part, the best one first.</summary>
    public static IEnumerable<NativePlace> OfNativePart() =>
        [.. OfProgram(), .. Packages("torchsharp", NativePackageVersions.TorchSharp)];

    private static IEnumerable<NativePlace> OfProgram()
    {
        yield return new("the program's native folder", Path.Combine(AppContext.BaseDirectory, "native"));
        if (Built() is { } built) yield return new("the build's native place", built);
        yield return new("the program's runtimes folder", Path.Combine(AppContext.BaseDirectory, "runtimes", NativeFileNames.Rid, "native"));
        yield return new("the program's folder", AppContext.BaseDirectory);
        // Where .NET probes native assets of packages, for a program that references TorchSharp-cpu by itself.
        if (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") is string probed)
            foreach (var folder in probed.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
                if (folder.Contains("torch", StringComparison.OrdinalIgnoreCase)) yield return new(".NET's probing path", folder);
    }

    // eng/Native.targets writes the file beside programs of this tree; a host that runs LowRank may set the property instead.
    private static string? Built()
    {
        if (AppContext.GetData("LowRank.NativePlace") is string { Length: > 0 } set) return set;
        var file = Path.Combine(AppContext.BaseDirectory, "native.place");
        return File.Exists(file) ? File.ReadAllText(file).Trim() : null;
    }

    private static IEnumerable<NativePlace> Packages(string id, string version)
    {
        var global = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } set ? set
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        yield return new("the NuGet packages folder", InPackages(global));
        yield return new("LowRank's cache", InPackages(NativePackageRestore.Folder));

        string InPackages(string packages) => Path.Combine(packages, id, version, "runtimes", NativeFileNames.Rid, "native");
    }
}
