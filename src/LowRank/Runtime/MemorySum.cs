using System.Diagnostics;
using System.Runtime.Intrinsics;
using LowRank.Runtime.Interop;
using LowRank.Runtime.Memory;

namespace LowRank.Runtime;

/// <summary>A sum over 512 MiB on libtorch's threads, more than any cache holds: its time is that of reading them.</summary>
internal sealed unsafe class MemorySum : IDisposable
{
    private const long Chunk = 1 << 20;

    private readonly NativeBuffer buffer = new(Bytes);
    private readonly float[] sums = new float[Bytes / Chunk];

    /// <summary>Writes the memory, so that it is there.</summary>
    public MemorySum()
    {
        NativeRuntime.Load();
        new Span<float>(buffer.Pointer, (int)(Bytes / sizeof(float))).Fill(1);
    }

    /// <summary>Bytes that a sum reads.</summary>
    public const long Bytes = 512L << 20;

    /// <summary>Sums once and returns the seconds that it took.</summary>
    public double Seconds()
    {
        var data = (float*)buffer.Pointer;
        var start = Stopwatch.GetTimestamp();
        TorchThreads.For(0, Bytes / Chunk, 1, (from, to) =>
        {
            for (var chunk = from; chunk < to; chunk++) sums[chunk] = Sum(data + chunk * (Chunk / sizeof(float)));
        });
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static float Sum(float* data)
    {
        Vector256<float> a = default, b = default, c = default, d = default;
        for (var i = 0L; i < Chunk / sizeof(float); i += 32)
        {
            a += Vector256.Load(data + i);
            b += Vector256.Load(data + i + 8);
            c += Vector256.Load(data + i + 16);
            d += Vector256.Load(data + i + 24);
        }
        return Vector256.Sum(a + b + c + d);
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose() => buffer.Dispose();
}
