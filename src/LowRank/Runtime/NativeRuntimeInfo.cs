namespace LowRank.Runtime;

/// <summary>What <see cref="NativeRuntime.Load"/> loaded, and from where.</summary>
public sealed record NativeRuntimeInfo
{
    /// <summary>The folder that libtorch came from.</summary>
    public required string LibTorchFolder { get; init; }

    /// <summary>Which place that folder is, such as <c>LOWRANK_TORCH_LIB</c> or <c>NuGet packages folder</c>.</summary>
    public required string LibTorchSource { get; init; }

    /// <summary>The version that libtorch states, such as <c>2.10.0</c>.</summary>
    public required Version LibTorchVersion { get; init; }

    /// <summary>The file of TorchSharp's native part that was loaded: the package's, or the patched copy of it.</summary>
    public required string NativePartPath { get; init; }

    /// <summary>Whether <see cref="NativePartPath"/> is a copy without the need of <c>GLIBCXX_3.4.32</c>.</summary>
    public required bool NativePartPatched { get; init; }

    /// <summary>Whether the CUDA part of libtorch is there and was loaded.</summary>
    public required bool HasCudaLibrary { get; init; }
}
