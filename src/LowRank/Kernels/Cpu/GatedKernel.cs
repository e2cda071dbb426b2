using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using LowRank.Runtime.Interop;

namespace LowRank.Kernels.Cpu;

/// <summary>
/// The gated activations of a decoder's MLP over fp32 values, one pass forward and one backward: <c>silu(gate) · up</c> (SwiGLU, arXiv:2002.05202) and
/// <c>gelu(gate) · up</c> with the tanh form of gelu (GeGLU). The plain twin is the composition of tensor operations in the decoder.
/// </summary>
internal static unsafe class GatedKernel
{
    private const int Chunk = 1 << 14;
    private const float GeluScale = 0.7978845608028654f;
    private const float GeluCube = 0.044715f;

    /// <summary>Computes <c>y = act(gate) · up</c> over <paramref name="count"/> values; <paramref name="y"/> may be one of the inputs.</summary>
    public static void Forward(bool gelu, float* gate, float* up, long count, float* y) => ForChunks(count, (start, end) => Range(gelu, gate, up, start, end, y));

    /// <summary>The values from <paramref name="start"/> to <paramref name="end"/> of <see cref="Forward"/>, on the calling thread.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // not compiled ahead, and slow before it is tiered up
    public static void Range(bool gelu, float* gate, float* up, long start, long end, float* y)
    {
        var i = start;
        for (; i <= end - 8; i += 8) (Act(gelu, Vector256.Load(gate + i)).Value * Vector256.Load(up + i)).Store(y + i);
        for (; i < end; i++) y[i] = (Act(gelu, Vector256.Create(gate[i])).Value * Vector256.Create(up[i]))[0];
    }

    /// <summary>
    /// From the gradient <paramref name="dy"/> of the result: <c>dgate = dy · up · act'(gate)</c> and <c>dup = dy · act(gate)</c>.
    /// The gradients may be written over the inputs.
    /// </summary>
    public static void Backward(bool gelu, float* dy, float* gate, float* up, long count, float* dgate, float* dup) => ForChunks(count, [MethodImpl(MethodImplOptions.AggressiveOptimization)] (start, end) =>
    {
        var i = start;
        for (; i <= end - 8; i += 8)
        {
            var (value, slope) = Act(gelu, Vector256.Load(gate + i));
            var d = Vector256.Load(dy + i);
            var u = Vector256.Load(up + i);
            (d * u * slope).Store(dgate + i);
            (d * value).Store(dup + i);
        }
        Rest(i, end, (at, g, u) =>
        {
            var (value, slope) = Act(gelu, g);
            var d = dy[at];
            dgate[at] = (d * u * slope)[0];
            dup[at] = d * value[0];
        }, gate, up);
    });

    private delegate void One(long at, Vector256<float> gate, Vector256<float> up);

    // The last values of an odd count, through the same vectors, so that a value does not depend on where it stands.
    private static void Rest(long i, long end, One one, float* gate, float* up)
    {
        for (; i < end; i++) one(i, Vector256.Create(gate[i]), Vector256.Create(up[i]));
    }

    // The activation and its derivative.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<float> Value, Vector256<float> Slope) Act(bool gelu, Vector256<float> x)
    {
        var one = Vector256<float>.One;
        if (!gelu)
        {
            var s = VectorMath.Sigmoid(x);
            var value = x * s;
            return (value, Vector256.FusedMultiplyAdd(value, one - s, s));
        }
        var square = x * x;
        var t = VectorMath.Tanh(GeluScale * x * Vector256.FusedMultiplyAdd(square, Vector256.Create(GeluCube), one));
        var half = 0.5f * (one + t);
        var inner = GeluScale * Vector256.FusedMultiplyAdd(square, Vector256.Create(3 * GeluCube), one);
        return (x * half, Vector256.FusedMultiplyAdd(0.5f * x * (one - t * t), inner, half));
    }

    private static void ForChunks(long count, Action<long, long> work) =>
        TorchThreads.For(0, (count + Chunk - 1) / Chunk, 1, (from, to) => work(from * Chunk, Math.Min(count, to * Chunk)));
}
