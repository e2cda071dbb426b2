using System.Runtime.InteropServices;

namespace LowRank.Runtime;

/// <summary>Names of the native files and packages on this system.</summary>
internal static class NativeFileNames
{
    /// <summary>The runtime identifier that the packages use.</summary>
    public static string Rid { get; } =
        OperatingSystem.IsWindows() ? "win-x64" : OperatingSystem.IsMacOS() ? "osx-arm64" : "linux-x64";

    public static string C10 { get; } = Library("c10");

    public static string TorchCpu { get; } = Library("torch_cpu");

    public static string C10Cuda { get; } = Library("c10_cuda");

    public static string TorchCuda { get; } = Library("torch_cuda");

    public static string Torch { get; } = Library("torch");

    /// <summary>TorchSharp's native part.</summary>
    public static string NativePart { get; } = Library("LibTorchSharp");

    /// <summary>What must be in a folder for it to count as libtorch.</summary>
    public static string[] LibTorch { get; } = [C10, TorchCpu, Torch];

    /// <summary>Whether packages exist for this system and processor.</summary>
    public static bool Supported { get; } =
        OperatingSystem.IsMacOS() ? RuntimeInformation.ProcessArchitecture == Architecture.Arm64
        : (OperatingSystem.IsWindows() || OperatingSystem.IsLinux()) && RuntimeInformation.ProcessArchitecture == Architecture.X64;

    private static string Library(string name) =>
        OperatingSystem.IsWindows() ? $"{name}.dll" : OperatingSystem.IsMacOS() ? $"lib{name}.dylib" : $"lib{name}.so";
}
