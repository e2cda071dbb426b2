using System.Diagnostics;
using System.Runtime.Intrinsics;
using LowRank.Runtime.Interop;
using LowRank.Runtime.Memory;

namespace LowRank.Runtime;

/// <summary>
/// How fast this processor reads memory that no cache holds: the yardstick of generation, which reads all weights for each token. Best of 7 sums over 512 MiB on libtorch's threads,
/// after one more to warm up.
/// </summary>
public static class ReadBandwidth
{
    private const long Size = 512L << 20;
    private const int Repetitions = 7;
    private const long Chunk = 1 << 20;

    /// <summary>Measures it, in bytes a second; takes about half a second.</summary>
    public static unsafe double MeasureBytesPerSecond()
    {
        NativeRuntime.Load();
        using var buffer = new NativeBuffer(Size);
        var data = (float*)buffer.Pointer;
        new Span<float>(data, (int)(Size / sizeof(float))).Fill(1);
        var best = double.MaxValue;
        var sums = new float[Size / Chunk];
        for (var i = 0; i <= Repetitions; i++)
        {
            var start = Stopwatch.GetTimestamp();
            TorchThreads.For(0, Size / Chunk, 1, (from, to) =>
            {
                for (var chunk = from; chunk < to; chunk++) sums[chunk] = Sum(data + chunk * (Chunk / sizeof(float)));
            });
            if (i > 0) best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return Size / best;
    }

    private static unsafe float Sum(float* data)
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
}
