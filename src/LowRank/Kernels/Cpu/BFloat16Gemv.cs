using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Kernels.Cpu;

/// <summary>
/// <c>x · Wᵀ</c> for a few fp32 rows <c>x</c> and a bf16 matrix <c>W</c>: what generating one token at a time does, for one text or a batch of them. It reads
/// the weight once, at the memory's speed; its plain twin widens the matrix and multiplies. A bf16 number is the upper half of an fp32 one, so the even and odd ones of a row come out of
/// 32-bit lanes by a shift and a mask; the input is dealt out alike beforehand. A single row is summed in four fp32 vectors, added in a fixed order;
/// of four rows and more, blocks of four rows by two outputs are, so that a widened weight serves four products.
/// </summary>
internal static class BFloat16Gemv
{
    // Weights ahead of those in use that are asked for: 2 KiB. The processor's own prefetching begins anew with each page of memory and reaches half of the bandwidth.
    private const int Ahead = 1024;

    /// <summary>Whether this kernel can compute the product: fp32 by bf16, on the CPU, both contiguous.</summary>
    public static bool Handles(Tensor x, Tensor weight) =>
        x.dtype == ScalarType.Float32 && weight.dtype == ScalarType.BFloat16 && x.device_type == DeviceType.CPU && weight.device_type == DeviceType.CPU
        && weight.is_contiguous() && weight.shape[1] % 32 == 0 && Vector256.IsHardwareAccelerated;

    /// <summary><c>[.., out]</c> in fp32 for <paramref name="x"/> <c>[.., in]</c> and <paramref name="weight"/> <c>[out, in]</c>.</summary>
    public static unsafe Tensor Multiply(Tensor x, Tensor weight)
    {
        using var dense = x.contiguous();
        int inFeatures = checked((int)weight.shape[1]), rows = checked((int)(x.numel() / inFeatures));
        long outFeatures = weight.shape[0];
        var y = empty([.. x.shape[..^1], outFeatures], ScalarType.Float32);
        using var scratch = Scratch.Rent((long)rows * inFeatures);
        float* xs = scratch.Floats, ys = TensorMemory.Floats(y);
        Deal(TensorMemory.Floats(dense), (long)rows * inFeatures, xs);
        var ws = (ushort*)TensorMemory.DataPointer(weight);
        // About 64 KiB of weight a chunk: large enough to hide the hand-out, small enough to balance two to many cores.
        var chunk = Math.Max(1, 32768 / inFeatures);
        var chunks = (int)((outFeatures + chunk - 1) / chunk);
        TorchThreads.For(0, chunks, 1, (from, to) =>
        {
            for (var c = from; c < to; c++) Chunk(xs, ws, ys, rows, inFeatures, outFeatures, c * chunk, Math.Min(outFeatures, (c + 1) * chunk));
        });
        return y;
    }

    // Of each 16 values the even ones, then the odd ones: as the two halves of 32-bit lanes of the weight come out.
    private static unsafe void Deal(float* x, long count, float* target)
    {
        for (long i = 0; i < count; i += 16)
            for (var j = 0; j < 8; j++) (target[i + j], target[i + j + 8]) = (x[i + 2 * j], x[i + 2 * j + 1]);
    }

    // The rows of a block stay in the first cache, the chunk of weights in the second.
    private static unsafe void Chunk(float* x, ushort* w, float* y, int rows, int inFeatures, long outFeatures, long start, long end)
    {
        for (var r = 0; r < rows; r += 4)
        {
            float* from = x + (long)r * inFeatures, to = y + r * outFeatures;
            var o = start;
            if (r + 4 <= rows)
            {
                for (; o + 2 <= end; o += 2) Block(from, w + o * inFeatures, inFeatures, to + o, outFeatures);
                for (; o < end; o++)
                    for (var i = 0; i < 4; i++) to[i * outFeatures + o] = Dot(from + (long)i * inFeatures, w + o * inFeatures, inFeatures);
                continue;
            }
            for (var i = 0; i < rows - r; i++)
            {
                float* row = from + (long)i * inFeatures, sums = to + i * outFeatures;
                for (o = start; o + 2 <= end; o += 2) Dots(row, w + o * inFeatures, inFeatures, sums + o);
                if (o < end) sums[o] = Dot(row, w + o * inFeatures, inFeatures);
            }
        }
    }

    private static unsafe float Dot(float* x, ushort* w, int n)
    {
        var high = Vector256.Create(0xFFFF0000);
        Vector256<float> s0 = default, s1 = default, s2 = default, s3 = default;
        for (var i = 0; i < n; i += 32)
        {
            Vector256<uint> a = Vector256.Load((uint*)(w + i)), b = Vector256.Load((uint*)(w + i + 16));
            s0 = Vector256.FusedMultiplyAdd((a << 16).AsSingle(), Vector256.Load(x + i), s0);
            s1 = Vector256.FusedMultiplyAdd((a & high).AsSingle(), Vector256.Load(x + i + 8), s1);
            s2 = Vector256.FusedMultiplyAdd((b << 16).AsSingle(), Vector256.Load(x + i + 16), s2);
            s3 = Vector256.FusedMultiplyAdd((b & high).AsSingle(), Vector256.Load(x + i + 24), s3);
        }
        return Vector256.Sum((s0 + s1) + (s2 + s3));
    }

    // Two outputs at once, each summed as by itself: the row is loaded once, and two streams of memory are read.
    private static unsafe void Dots(float* x, ushort* w, int n, float* y)
    {
        var w1 = w + n;
        var high = Vector256.Create(0xFFFF0000);
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
        for (var i = 0; i < n; i += 32)
        {
            Prefetch(w + i);
            Prefetch(w1 + i);
            Vector256<uint> a = Vector256.Load((uint*)(w + i)), b = Vector256.Load((uint*)(w1 + i));
            Vector256<float> even = Vector256.Load(x + i), odd = Vector256.Load(x + i + 8);
            a0 = Vector256.FusedMultiplyAdd((a << 16).AsSingle(), even, a0);
            a1 = Vector256.FusedMultiplyAdd((a & high).AsSingle(), odd, a1);
            b0 = Vector256.FusedMultiplyAdd((b << 16).AsSingle(), even, b0);
            b1 = Vector256.FusedMultiplyAdd((b & high).AsSingle(), odd, b1);
            (a, b) = (Vector256.Load((uint*)(w + i + 16)), Vector256.Load((uint*)(w1 + i + 16)));
            (even, odd) = (Vector256.Load(x + i + 16), Vector256.Load(x + i + 24));
            a2 = Vector256.FusedMultiplyAdd((a << 16).AsSingle(), even, a2);
            a3 = Vector256.FusedMultiplyAdd((a & high).AsSingle(), odd, a3);
            b2 = Vector256.FusedMultiplyAdd((b << 16).AsSingle(), even, b2);
            b3 = Vector256.FusedMultiplyAdd((b & high).AsSingle(), odd, b3);
        }
        y[0] = Vector256.Sum((a0 + a1) + (a2 + a3));
        y[1] = Vector256.Sum((b0 + b1) + (b2 + b3));
    }

    // Eight sums are as many as hide the latency of a multiply-add, and leave registers for the operands.
    private static unsafe void Block(float* x, ushort* w, int n, float* y, long outFeatures)
    {
        float* x1 = x + n, x2 = x1 + n, x3 = x2 + n;
        var w1 = w + n;
        var high = Vector256.Create(0xFFFF0000);
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
        for (var i = 0; i < n; i += 16)
        {
            if (i % 32 == 0)
            {
                Prefetch(w + i);
                Prefetch(w1 + i);
            }
            Vector256<uint> both = Vector256.Load((uint*)(w + i)), both1 = Vector256.Load((uint*)(w1 + i));
            Vector256<float> a = (both << 16).AsSingle(), b = (both1 << 16).AsSingle();
            var v = Vector256.Load(x + i);
            a0 = Vector256.FusedMultiplyAdd(a, v, a0);
            b0 = Vector256.FusedMultiplyAdd(b, v, b0);
            v = Vector256.Load(x1 + i);
            a1 = Vector256.FusedMultiplyAdd(a, v, a1);
            b1 = Vector256.FusedMultiplyAdd(b, v, b1);
            v = Vector256.Load(x2 + i);
            a2 = Vector256.FusedMultiplyAdd(a, v, a2);
            b2 = Vector256.FusedMultiplyAdd(b, v, b2);
            v = Vector256.Load(x3 + i);
            a3 = Vector256.FusedMultiplyAdd(a, v, a3);
            b3 = Vector256.FusedMultiplyAdd(b, v, b3);
            (a, b) = ((both & high).AsSingle(), (both1 & high).AsSingle());
            v = Vector256.Load(x + i + 8);
            a0 = Vector256.FusedMultiplyAdd(a, v, a0);
            b0 = Vector256.FusedMultiplyAdd(b, v, b0);
            v = Vector256.Load(x1 + i + 8);
            a1 = Vector256.FusedMultiplyAdd(a, v, a1);
            b1 = Vector256.FusedMultiplyAdd(b, v, b1);
            v = Vector256.Load(x2 + i + 8);
            a2 = Vector256.FusedMultiplyAdd(a, v, a2);
            b2 = Vector256.FusedMultiplyAdd(b, v, b2);
            v = Vector256.Load(x3 + i + 8);
            a3 = Vector256.FusedMultiplyAdd(a, v, a3);
            b3 = Vector256.FusedMultiplyAdd(b, v, b3);
        }
        (y[0], y[1]) = (Vector256.Sum(a0), Vector256.Sum(b0));
        (y[outFeatures], y[outFeatures + 1]) = (Vector256.Sum(a1), Vector256.Sum(b1));
        (y[2 * outFeatures], y[2 * outFeatures + 1]) = (Vector256.Sum(a2), Vector256.Sum(b2));
        (y[3 * outFeatures], y[3 * outFeatures + 1]) = (Vector256.Sum(a3), Vector256.Sum(b3));
    }

    // Asking for what lies past the end is no error.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Prefetch(ushort* w)
    {
        if (Sse.IsSupported) Sse.Prefetch0(w + Ahead);
    }
}
