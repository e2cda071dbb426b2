using TorchSharp;

namespace LowRank.Runtime.Interop;

/// <summary>Tensors over memory of ours, such as a mapped file, and the memory of tensors.</summary>
internal static unsafe class TensorMemory
{
    /// <summary>
    /// Makes a contiguous CPU tensor over existing memory, without a copy. The tensor does not own the memory: it must stay mapped until the tensor and every view of
    /// it are disposed, and writing to a tensor over a read-only mapping ends the process.
    /// </summary>
    /// <param name="data">Address of the first element, aligned to the size of an element.</param>
    /// <param name="shape">The tensor's shape.</param>
    /// <param name="type">The type of the elements as they lie in memory.</param>
    /// <returns>The tensor, registered with the current dispose scope; the caller disposes it.</returns>
    public static torch.Tensor TensorFromPointer(nint data, ReadOnlySpan<long> shape, torch.ScalarType type)
    {
        ArgumentOutOfRangeException.ThrowIfZero(data);
        NativeRuntime.Load();
        if (!NativeInterop.Enabled || AotiTorch.CreateTensorFromBlob is null)
            return torch.Tensor.UnsafeCreateTensor(TorchSharpNative.TensorOver((void*)data, shape, type));
        Span<long> strides = stackalloc long[shape.Length];
        long stride = 1;
        for (var i = shape.Length - 1; i >= 0; stride *= shape[i--]) strides[i] = stride;
        nint handle;
        fixed (long* sizes = shape, steps = strides)
            Check(AotiTorch.CreateTensorFromBlob((void*)data, shape.Length, sizes, steps, 0, (int)type, 0, 0, &handle), "aoti_torch_create_tensor_from_blob");
        return torch.Tensor.UnsafeCreateTensor(handle);
    }

    /// <summary>The address of a tensor's first element, its storage offset included. It is valid while the tensor lives.</summary>
    public static nint DataPointer(torch.Tensor tensor)
    {
        if (!NativeInterop.Enabled || AotiTorch.GetDataPointer is null) return TorchSharpNative.DataPointer(tensor.Handle);
        void* data;
        Check(AotiTorch.GetDataPointer(tensor.Handle, &data), "aoti_torch_get_data_ptr");
        return (nint)data;
    }

    /// <summary>The address of the first element of an fp32 tensor on the CPU. It is valid while the tensor lives.</summary>
    public static float* Floats(torch.Tensor tensor) => (float*)DataPointer(tensor);

    /// <summary>The elements of a contiguous CPU tensor as memory; valid while the tensor lives.</summary>
    /// <exception cref="ArgumentException">The tensor is not contiguous, not on the CPU, or its elements have another size than <typeparamref name="T"/>.</exception>
    public static Span<T> Elements<T>(torch.Tensor tensor)
        where T : unmanaged
    {
        if (tensor.device_type != DeviceType.CPU || !tensor.is_contiguous())
            throw new ArgumentException("The tensor is not a contiguous one on the CPU.", nameof(tensor));
        if (tensor.element_size() != sizeof(T))
            throw new ArgumentException($"An element of the tensor ({tensor.dtype}) has {tensor.element_size()} bytes, {typeof(T).Name} has {sizeof(T)}.", nameof(tensor));
        return tensor.numel() == 0 ? [] : new Span<T>((void*)DataPointer(tensor), checked((int)tensor.numel()));
    }

    // libtorch has printed the cause to stderr.
    private static void Check(int error, string function)
    {
        if (error != 0) throw new InvalidOperationException($"libtorch's {function} failed; its message is on the error output.");
    }
}
