using System.Reflection;

namespace LowRank.Runtime;

/// <summary>The package versions that this build was made for; the build writes them into the assembly (<c>LowRank.csproj</c>).</summary>
internal static class NativePackageVersions
{
    public static string TorchSharp { get; } = Read("LowRank.TorchSharpVersion");

    public static string LibTorch { get; } = Read("LowRank.LibTorchVersion");

    private static string Read(string key)
    {
        foreach (var attribute in typeof(NativePackageVersions).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>())
            if (attribute.Key == key && attribute.Value is { } value) return value;
        throw new InvalidOperationException($"LowRank.dll was built without the metadata {key}.");
    }
}
