using System.Runtime.InteropServices;
using TorchSharp;

namespace LowRank.Runtime.Interop;

/// <summary>
/// The functions of TorchSharp's native part that LowRank calls because TorchSharp does not offer them in C# (THSTensor.h of TorchSharp 0.107.0). The part is
/// pinned to that version, so a missing function is an error of the installation.
/// </summary>
internal static unsafe class TorchSharpNative
{
    private static readonly delegate* unmanaged<void*, void*, long*, int, sbyte, sbyte, int, int, byte, nint> New =
        (delegate* unmanaged<void*, void*, long*, int, sbyte, sbyte, int, int, byte, nint>)Export("THSTensor_new");

    private static readonly delegate* unmanaged<nint, void*> Data = (delegate* unmanaged<nint, void*>)Export("THSTensor_data");

    /// <summary>A contiguous CPU tensor over memory that it does not own, or that <paramref name="release"/> gets when the last tensor over it goes; the handle is the caller's.</summary>
    public static nint TensorOver(void* data, ReadOnlySpan<long> shape, torch.ScalarType type, delegate* unmanaged<void*, void> release = null)
    {
        nint handle;
        fixed (long* sizes = shape)
            handle = New(data, release, sizes, shape.Length, (sbyte)type, (sbyte)type, 0, 0, 0);
        if (handle == 0) torch.CheckForErrors();
        return handle;
    }

    /// <summary>The address of the first element.</summary>
    public static nint DataPointer(nint tensor) => (nint)Data(tensor);

    private static void* Export(string name) =>
        NativeLibrary.TryGetExport(NativeRuntime.HandleOf("LibTorchSharp"), name, out var address) ? (void*)address
        : throw new NativeRuntimeException(
            $"{NativeRuntime.Load().NativePartPath} has no function {name}: it is not TorchSharp {NativePackageVersions.TorchSharp}'s native part.");
}
