using System.Runtime.InteropServices;

namespace LowRank.Runtime;

/// <summary>
/// The version of a libtorch, and whether TorchSharp's native part works over it: its C++ ABI is that of 2.10, which 2.11 still has; over 2.13
/// it gives wrong results and crashes.
/// </summary>
internal static class LibTorchVersion
{
    /// <summary>Refuses a folder whose files state a wrong version, before anything of it is loaded.</summary>
    /// <exception cref="NativeRuntimeException">The stated version is neither 2.10 nor 2.11.</exception>
    public static void RefuseByFiles(NativePlace place)
    {
        if (Stated(place.Folder) is { } version) Refuse(place, version);
    }

    /// <summary>Reads the version from the loaded library, or from the files beside it if the library does not export it.</summary>
    /// <exception cref="NativeRuntimeException">The version is neither 2.10 nor 2.11, or unknown.</exception>
    public static unsafe Version Check(NativePlace place, nint torchCpu)
    {
        Version version;
        if (NativeLibrary.TryGetExport(torchCpu, "aoti_torch_abi_version", out var function))
        {
            // TORCH_ABI_VERSION: major, minor and patch in the upper three bytes.
            var abi = ((delegate* unmanaged<ulong>)function)();
            version = new((int)(abi >> 56), (int)(abi >> 48 & 0xff), (int)(abi >> 40 & 0xff));
        }
        else
        {
            version = Stated(place.Folder)
                ?? (place.Source == NativePlaces.TorchLibVariable ? null : Version.Parse(NativePackageVersions.LibTorch))
                ?? throw new NativeRuntimeException(
                    $"The libtorch in {place.Folder} does not say which version it is, so it is older than 2.10 or not a whole installation. LowRank works over 2.10 and 2.11.");
        }
        Refuse(place, version);
        return version;
    }

    private static void Refuse(NativePlace place, Version version)
    {
        if (version is { Major: 2, Minor: 10 or 11 }) return;
        throw new NativeRuntimeException(
            $"The libtorch in {place.Folder} ({place.Source}) is version {version}. TorchSharp {NativePackageVersions.TorchSharp} works over 2.10 and 2.11 only: " +
            "another version has another binary interface and would give wrong results. " +
            (place.Source == NativePlaces.TorchLibVariable ? "Point LOWRANK_TORCH_LIB to such a version, or unset it." : "Replace it, or set LOWRANK_TORCH_LIB to such a version."));
    }

    /// <summary>The version in a Python install's <c>torch/version.py</c> or a libtorch's <c>build-version</c>, both beside <c>lib</c>; null where neither is.</summary>
    private static Version? Stated(string folder)
    {
        var parent = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(folder)) ?? folder;
        var python = Path.Combine(parent, "version.py");
        if (File.Exists(python))
            foreach (var line in File.ReadLines(python))
                if (line.StartsWith("__version__", StringComparison.Ordinal) && Parse(line) is { } version) return version;
        var build = Path.Combine(parent, "build-version");
        return File.Exists(build) ? Parse(File.ReadAllText(build)) : null;
    }

    // "__version__ = '2.10.0+cu128'" and "2.10.0+cpu": the first run of digits and dots.
    private static Version? Parse(string text)
    {
        var start = text.AsSpan().IndexOfAnyInRange('0', '9');
        if (start < 0) return null;
        var rest = text.AsSpan(start);
        var end = rest.IndexOfAnyExcept("0123456789.");
        var digits = (end < 0 ? rest : rest[..end]).TrimEnd('.');
        return Version.TryParse(digits, out var version) ? version : null;
    }
}
