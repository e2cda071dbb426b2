using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace LowRank.Runtime;

/// <summary>
/// Makes TorchSharp's native part load where the system's libstdc++ is older than GCC 13 (Debian 12, Ubuntu 22.04, RHEL 9). The file asks for symbol
/// version <c>GLIBCXX_3.4.32</c> for the one symbol <c>_ZSt21ios_base_library_initv</c>, which no relocation uses; all else it needs is there.
/// A copy in the user's cache gets that requirement marked weak, which the dynamic loader then passes over. The package's file stays as it is.
/// </summary>
internal static class WeakVersionPatch
{
    public const string SymbolVersion = "GLIBCXX_3.4.32";

    private const string Symbol = "_ZSt21ios_base_library_initv";

    /// <summary>The path to load: <paramref name="path"/> itself, or that of a patched copy where the system needs one.</summary>
    /// <exception cref="NativeRuntimeException">The copy cannot be written.</exception>
    public static string Loadable(string path)
    {
        if (!OperatingSystem.IsLinux() || SystemHasVersion()) return path;
        var image = File.ReadAllBytes(path);
        return ElfVersionNeeds.MarkWeak(image, SymbolVersion) ? Cached(image) : path;
    }

    /// <summary>The patched image as a file in the cache, written only if it is not there with the same bytes.</summary>
    internal static string Cached(byte[] image)
    {
        var folder = Path.Combine(NativePlaces.UserCache, $"weak-{XxHash64.HashToUInt64(image):x16}");
        var path = Path.Combine(folder, NativeFileNames.NativePart);
        try
        {
            if (File.Exists(path) && File.ReadAllBytes(path).AsSpan().SequenceEqual(image)) return path;
            Directory.CreateDirectory(folder);
            // Renamed into place whole: two processes may start at the same time.
            var temporary = $"{path}.{Guid.NewGuid():N}.tmp";
            using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write))
            {
                file.Write(image);
                file.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
            return path;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new NativeRuntimeException(
                $"This system's libstdc++ lacks {SymbolVersion}, so LowRank loads a patched copy of {NativeFileNames.NativePart}, which it could not write to {path}: {error.Message}. " +
                "Set LOWRANK_CACHE to a folder that can be written.", error);
        }
    }

    // The symbol was added with that version, so one stands for the other.
    private static bool SystemHasVersion() =>
        NativeLibrary.TryLoad("libstdc++.so.6", out var library) && NativeLibrary.TryGetExport(library, Symbol, out _);
}
