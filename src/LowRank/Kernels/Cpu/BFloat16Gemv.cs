using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Kernels.Cpu;

/// <summary>
/// <c>x · Wᵀ</c> for a few fp32 rows <c>x</c> and a bf16 matrix <c>W</c>: what generating one token at a time does, for one text or a batch of them. It reads
/// the weight once, at the memory's speed; its plain twin widens the matrix and multiplies. A single row is summed in four fp32 vectors, added in a fixed order;
/// of four rows and more, blocks of four rows by two outputs are, so that a widened weight serves four products.
/// </summary>
internal static class BFloat16Gemv
{
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
        fixed (float* px = MemoryMarshal.Cast<byte, float>(dense.bytes))
        fixed (byte* pw = weight.bytes)
        fixed (float* py = MemoryMarshal.Cast<byte, float>(y.bytes))
        {
            float* xs = px, ys = py;
            var ws = (ushort*)pw;
            // About 64 KiB of weight a chunk: large enough to hide the hand-out, small enough to balance two to many cores.
            var chunk = Math.Max(1, 32768 / inFeatures);
            var chunks = (int)((outFeatures + chunk - 1) / chunk);
            TorchThreads.For(0, chunks, 1, (from, to) =>
            {
                for (var c = from; c < to; c++) Chunk(xs, ws, ys, rows, inFeatures, outFeatures, c * chunk, Math.Min(outFeatures, (c + 1) * chunk));
            });
        }
        return y;
    }

    // The rows of a block stay in the first cache, the chunk of weights in the second.
    private static unsafe void Chunk(float* x, ushort* w, float* y, int rows, int inFeatures, long outFeatures, long start, long end)
    {
        var r = 0;
        for (; r + 4 <= rows; r += 4)
        {
            var o = start;
            for (; o + 2 <= end; o += 2) Block(x + (long)r * inFeatures, w + o * inFeatures, inFeatures, y + r * outFeatures + o, outFeatures);
            if (o < end)
                for (var one = r; one < r + 4; one++) y[one * outFeatures + o] = Dot(x + (long)one * inFeatures, w + o * inFeatures, inFeatures);
        }
        if (r == rows) return;
        for (var rest = r; rest < rows; rest++)
        {
            float* from = x + (long)rest * inFeatures, to = y + rest * outFeatures;
            var o = start;
            for (; o + 2 <= end; o += 2) (to[o], to[o + 1]) = Dots(from, w + o * inFeatures, w + (o + 1) * inFeatures, inFeatures);
            if (o < end) to[o] = Dot(from, w + o * inFeatures, inFeatures);
        }
    }

    // Two outputs at once, each as by itself: the row is loaded once, and two streams of memory are read.
    private static unsafe (float A, float B) Dots(float* x, ushort* w0, ushort* w1, int n)
    {
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
        for (var i = 0; i < n; i += 32)
        {
            Vector256<ushort> al = Vector256.Load(w0 + i), ah = Vector256.Load(w0 + i + 16), bl = Vector256.Load(w1 + i), bh = Vector256.Load(w1 + i + 16);
            var v = Vector256.Load(x + i);
            a0 = Vector256.FusedMultiplyAdd(Widen(al.GetLower()), v, a0);
            b0 = Vector256.FusedMultiplyAdd(Widen(bl.GetLower()), v, b0);
            v = Vector256.Load(x + i + 8);
            a1 = Vector256.FusedMultiplyAdd(Widen(al.GetUpper()), v, a1);
            b1 = Vector256.FusedMultiplyAdd(Widen(bl.GetUpper()), v, b1);
            v = Vector256.Load(x + i + 16);
            a2 = Vector256.FusedMultiplyAdd(Widen(ah.GetLower()), v, a2);
            b2 = Vector256.FusedMultiplyAdd(Widen(bh.GetLower()), v, b2);
            v = Vector256.Load(x + i + 24);
            a3 = Vector256.FusedMultiplyAdd(Widen(ah.GetUpper()), v, a3);
            b3 = Vector256.FusedMultiplyAdd(Widen(bh.GetUpper()), v, b3);
        }
        return (Vector256.Sum((a0 + a1) + (a2 + a3)), Vector256.Sum((b0 + b1) + (b2 + b3)));
    }

    private static unsafe float Dot(float* x, ushort* w, int n)
    {
        Vector256<float> s0 = default, s1 = default, s2 = default, s3 = default;
        for (var i = 0; i < n; i += 32)
        {
            var a = Vector256.Load(w + i);
            var b = Vector256.Load(w + i + 16);
            s0 = Vector256.FusedMultiplyAdd(Widen(a.GetLower()), Vector256.Load(x + i), s0);
            s1 = Vector256.FusedMultiplyAdd(Widen(a.GetUpper()), Vector256.Load(x + i + 8), s1);
            s2 = Vector256.FusedMultiplyAdd(Widen(b.GetLower()), Vector256.Load(x + i + 16), s2);
            s3 = Vector256.FusedMultiplyAdd(Widen(b.GetUpper()), Vector256.Load(x + i + 24), s3);
        }
        return Vector256.Sum((s0 + s1) + (s2 + s3));
    }

    // Eight sums are as many as hide the latency of a multiply-add, and leave registers for the operands.
    private static unsafe void Block(float* x, ushort* w, int n, float* y, long outFeatures)
    {
        float* x1 = x + n, x2 = x1 + n, x3 = x2 + n;
        var w1 = w + n;
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
        for (var i = 0; i < n; i += 8)
        {
            Vector256<float> a = Widen(Vector128.Load(w + i)), b = Widen(Vector128.Load(w1 + i));
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
        }
        (y[0], y[1]) = (Vector256.Sum(a0), Vector256.Sum(b0));
        (y[outFeatures], y[outFeatures + 1]) = (Vector256.Sum(a1), Vector256.Sum(b1));
        (y[2 * outFeatures], y[2 * outFeatures + 1]) = (Vector256.Sum(a2), Vector256.Sum(b2));
        (y[3 * outFeatures], y[3 * outFeatures + 1]) = (Vector256.Sum(a3), Vector256.Sum(b3));
    }

    // A bf16 number is the upper half of an fp32 one.
    private static Vector256<float> Widen(Vector128<ushort> v) => (Vector256.WidenLower(v.ToVector256Unsafe()) << 16).AsSingle();
}
