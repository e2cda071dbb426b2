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
/// of four rows and more, four at once are, so that a widened weight serves four products.
/// </summary>
internal static class BFloat16Gemv
{
    // Weights ahead of those in use that are asked for: 1 KiB. Rows are read one after another: two at once, a stream of memory each, come at three quarters of the speed.
    private const int Ahead = 512;

    // 128 KiB.
    private const int PieceElements = 65536;

    /// <summary>Whether this kernel can compute the product: fp32 by bf16, on the CPU, both contiguous.</summary>
    public static bool Handles(Tensor x, Tensor weight) =>
        x.dtype == ScalarType.Float32 && weight.dtype == ScalarType.BFloat16 && x.device_type == DeviceType.CPU && weight.device_type == DeviceType.CPU
        && weight.is_contiguous() && Handles(weight.shape[1]);

    /// <summary>Whether rows of so many weights can be read.</summary>
    public static bool Handles(long inFeatures) => inFeatures % 32 == 0 && Vector256.IsHardwareAccelerated;

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
        TorchThreads.Share(outFeatures, Math.Max(1, 32768 / inFeatures), (from, to) => Slice(xs, ws, ys, rows, inFeatures, outFeatures, from, to));
        return y;
    }

    /// <summary>Of each 16 values the even ones, then the odd ones: as the two halves of 32-bit lanes of the weight come out.</summary>
    /// <param name="x">The values.</param>
    /// <param name="count">How many, a multiple of 16.</param>
    /// <param name="target">Gets them.</param>
    public static unsafe void Deal(float* x, long count, float* target)
    {
        if (Avx2.IsSupported)
        {
            for (long i = 0; i < count; i += 16)
            {
                Vector256<float> a = Vector256.Load(x + i), b = Vector256.Load(x + i + 8);
                // Within halves of 128 bits: even ones of a and b, then pairs put in order.
                Avx2.Permute4x64(Avx.Shuffle(a, b, 0b10_00_10_00).AsDouble(), 0b11_01_10_00).AsSingle().Store(target + i);
                Avx2.Permute4x64(Avx.Shuffle(a, b, 0b11_01_11_01).AsDouble(), 0b11_01_10_00).AsSingle().Store(target + i + 8);
            }
            return;
        }
        for (long i = 0; i < count; i += 16)
            for (var j = 0; j < 8; j++) (target[i + j], target[i + j + 8]) = (x[i + 2 * j], x[i + 2 * j + 1]);
    }

    /// <summary>A slice of the outputs on the calling thread. The rows of a block stay in the first cache, the slice of weights in the second.</summary>
    /// <param name="x">Dealt rows.</param>
    /// <param name="w">The weight.</param>
    /// <param name="y">Gets the outputs <c>[rows, out]</c>.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="inFeatures">Columns of the weight.</param>
    /// <param name="outFeatures">Rows of the weight.</param>
    /// <param name="start">The first output.</param>
    /// <param name="end">The one after the last.</param>
    public static unsafe void Slice(float* x, ushort* w, float* y, int rows, int inFeatures, long outFeatures, long start, long end)
    {
        // With more rows than four a piece of the weight is read again from the second cache, not from memory.
        var piece = Math.Max(1, PieceElements / inFeatures);
        for (var first = start; first < end; first += piece)
        {
            var last = Math.Min(end, first + piece);
            for (var r = 0; r < rows; r += 4)
            {
                float* from = x + (long)r * inFeatures, to = y + r * outFeatures;
                for (var o = first; o < last; o++)
                {
                    if (r + 4 <= rows) Block(from, w + o * inFeatures, inFeatures, to + o, outFeatures);
                    else for (var i = 0; i < rows - r; i++) to[i * outFeatures + o] = Dot(from + (long)i * inFeatures, w + o * inFeatures, inFeatures);
                }
            }
        }
    }

    private static unsafe float Dot(float* x, ushort* w, int n)
    {
        var high = Vector256.Create(0xFFFF0000);
        Vector256<float> s0 = default, s1 = default, s2 = default, s3 = default;
        for (var i = 0; i < n; i += 32)
        {
            Prefetch(w + i);
            Vector256<uint> a = Vector256.Load((uint*)(w + i)), b = Vector256.Load((uint*)(w + i + 16));
            s0 = Vector256.FusedMultiplyAdd((a << 16).AsSingle(), Vector256.Load(x + i), s0);
            s1 = Vector256.FusedMultiplyAdd((a & high).AsSingle(), Vector256.Load(x + i + 8), s1);
            s2 = Vector256.FusedMultiplyAdd((b << 16).AsSingle(), Vector256.Load(x + i + 16), s2);
            s3 = Vector256.FusedMultiplyAdd((b & high).AsSingle(), Vector256.Load(x + i + 24), s3);
        }
        return Vector256.Sum((s0 + s1) + (s2 + s3));
    }

    // Four rows of x with one of the weight, whose widened values serve all of them: eight sums are as many as hide the latency of a multiply-add.
    private static unsafe void Block(float* x, ushort* w, int n, float* y, long outFeatures)
    {
        float* x1 = x + n, x2 = x1 + n, x3 = x2 + n;
        var high = Vector256.Create(0xFFFF0000);
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
        for (var i = 0; i < n; i += 16)
        {
            if (i % 32 == 0) Prefetch(w + i);
            var both = Vector256.Load((uint*)(w + i));
            Vector256<float> a = (both << 16).AsSingle(), b = (both & high).AsSingle();
            a0 = Vector256.FusedMultiplyAdd(a, Vector256.Load(x + i), a0);
            b0 = Vector256.FusedMultiplyAdd(b, Vector256.Load(x + i + 8), b0);
            a1 = Vector256.FusedMultiplyAdd(a, Vector256.Load(x1 + i), a1);
            b1 = Vector256.FusedMultiplyAdd(b, Vector256.Load(x1 + i + 8), b1);
            a2 = Vector256.FusedMultiplyAdd(a, Vector256.Load(x2 + i), a2);
            b2 = Vector256.FusedMultiplyAdd(b, Vector256.Load(x2 + i + 8), b2);
            a3 = Vector256.FusedMultiplyAdd(a, Vector256.Load(x3 + i), a3);
            b3 = Vector256.FusedMultiplyAdd(b, Vector256.Load(x3 + i + 8), b3);
        }
        y[0] = Vector256.Sum(a0 + b0);
        y[outFeatures] = Vector256.Sum(a1 + b1);
        y[2 * outFeatures] = Vector256.Sum(a2 + b2);
        y[3 * outFeatures] = Vector256.Sum(a3 + b3);
    }

    // Asking for what lies past the end is no error.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Prefetch(ushort* w)
    {
        if (Sse.IsSupported) Sse.Prefetch0(w + Ahead);
    }
}
