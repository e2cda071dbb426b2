using System.Collections.Concurrent;
using LowRank.Runtime.Memory;

namespace LowRank.Kernels.Cpu;

/// <summary>Working memory of a kernel, kept for the next one: there are as many pieces as threads have worked at the same time.</summary>
internal sealed unsafe class Scratch : IDisposable
{
    private static readonly ConcurrentBag<NativeBuffer> pool = [];

    private readonly NativeBuffer buffer;

    private Scratch(NativeBuffer buffer) => this.buffer = buffer;

    /// <summary>The memory, aligned to 64 bytes.</summary>
    public float* Floats => (float*)buffer.Pointer;

    /// <summary>Takes room for <paramref name="floats"/> numbers; a piece that is too small is replaced by a larger one.</summary>
    public static Scratch Rent(long floats)
    {
        var bytes = floats * sizeof(float);
        if (pool.TryTake(out var free))
        {
            if (free.Length >= bytes) return new(free);
            free.Dispose();
        }
        return new(new NativeBuffer(bytes));
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => pool.Add(buffer);
}
