using System.Runtime.InteropServices;

namespace LowRank.Runtime.Interop;

/// <summary>
/// The functions of libtorch's C interface that LowRank calls (torch/csrc/inductor/aoti_torch/c/shim.h and torch/csrc/stable/c/shim.h of PyTorch 2.10). A tensor
/// handle is the <c>at::Tensor*</c> that TorchSharp keeps as <c>Tensor.Handle</c>. A function is null where this libtorch does not export it.
/// </summary>
internal static unsafe class AotiTorch
{
    /// <summary>data, dimensions, sizes, strides, storage offset, dtype, device type, device index, result; returns 0 on success.</summary>
    public static readonly delegate* unmanaged<void*, long, long*, long*, long, int, int, int, nint*, int> CreateTensorFromBlob =
        (delegate* unmanaged<void*, long, long*, long*, long, int, int, int, nint*, int>)Export("aoti_torch_create_tensor_from_blob");

    /// <summary>tensor, result (the first element, storage offset included); returns 0 on success.</summary>
    public static readonly delegate* unmanaged<nint, void**, int> GetDataPointer =
        (delegate* unmanaged<nint, void**, int>)Export("aoti_torch_get_data_ptr");

    /// <summary>begin, end, grain, body(begin, end, context), context; returns 0 on success.</summary>
    public static readonly delegate* unmanaged<long, long, long, delegate* unmanaged<long, long, void*, void>, void*, int> ParallelFor =
        (delegate* unmanaged<long, long, long, delegate* unmanaged<long, long, void*, void>, void*, int>)Export("torch_parallel_for");

    /// <summary>Names and presence of the functions above, for <c>doctor</c>.</summary>
    public static IReadOnlyList<(string Name, bool Present)> Functions =>
    [
        ("aoti_torch_create_tensor_from_blob", CreateTensorFromBlob is not null),
        ("aoti_torch_get_data_ptr", GetDataPointer is not null),
        ("torch_parallel_for", ParallelFor is not null),
    ];

    private static void* Export(string name) =>
        NativeLibrary.TryGetExport(NativeRuntime.HandleOf("torch_cpu"), name, out var address) ? (void*)address : null;
}
