using System.Runtime.InteropServices;

namespace LowRank.Runtime.Memory;

/// <summary>Memory of its own outside the managed heap, aligned to 64 bytes and not cleared. Freed by <see cref="Dispose"/>, at the latest by the finalizer.</summary>
internal sealed unsafe class NativeBuffer : IDisposable
{
    private const nuint Alignment = 64;

    private byte* memory;

    /// <summary>Takes <paramref name="length"/> bytes.</summary>
    public NativeBuffer(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
        memory = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(length, 1), Alignment);
        GC.AddMemoryPressure(Math.Max(length, 1));
    }

    /// <summary>Frees what was forgotten.</summary>
    ~NativeBuffer() => Free();

    /// <summary>Number of bytes.</summary>
    public long Length { get; }

    /// <summary>The first byte.</summary>
    /// <exception cref="ObjectDisposedException">The memory was freed.</exception>
    public byte* Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(memory is null, this);
            return memory;
        }
    }

    /// <summary>A buffer with a copy of these bytes.</summary>
    public static NativeBuffer CopyOf(byte* bytes, long length)
    {
        var buffer = new NativeBuffer(length);
        Buffer.MemoryCopy(bytes, buffer.Pointer, length, length);
        return buffer;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (memory is null) return;
        NativeMemory.AlignedFree(memory);
        memory = null;
        GC.RemoveMemoryPressure(Math.Max(Length, 1));
    }
}
