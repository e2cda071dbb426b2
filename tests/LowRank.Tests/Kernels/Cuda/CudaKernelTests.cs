using System.Runtime.InteropServices;
using LowRank.Kernels.Cpu;
using LowRank.Optimizers;
using LowRank.Runtime.Interop;
using LowRank.Testing;
using LowRank.Testing.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Tests.Kernels.Cuda;

/// <summary>Each CUDA kernel against that of the CPU: its source run on the processor, and on each GPU.</summary>
[Collection(nameof(NativeTensors))]
public sealed unsafe class CudaKernelTests
{
    // Half an ulp of bf16 is 2^-9 of a value; two fp32 results that differ in their last bits may round to neighbours, an ulp apart.
    private const double Bf16Ulp = 1.0 / 128;

    public static IEnumerable<TheoryDataRow<string>> Runners => Devices.WithKernels;

    public static IEnumerable<TheoryDataRow<string, bool, bool>> Activations =>
        from row in Devices.WithKernels from gelu in new[] { false, true } from narrow in new[] { false, true } select new TheoryDataRow<string, bool, bool>(row.Data, gelu, narrow);

    [Theory, MemberData(nameof(Activations))]
    public void Gated_activations(string device, bool gelu, bool narrow)
    {
        using var used = Devices.Use(device);
        using var scope = NewDisposeScope();
        var kernels = Devices.CurrentKernels();
        const int n = 10_007;
        var (gate, up, dy) = (Rounded(Random(1, n) * 4, narrow), Rounded(Random(2, n), narrow), Rounded(Random(3, n), narrow));
        var (y, dgate, dup) = (empty(n), gate.clone(), up.clone());
        GatedKernel.Forward(gelu, TensorMemory.Floats(gate), TensorMemory.Floats(up), n, TensorMemory.Floats(y));
        GatedKernel.Backward(gelu, TensorMemory.Floats(dy), TensorMemory.Floats(gate), TensorMemory.Floats(up), n, TensorMemory.Floats(dgate), TensorMemory.Floats(dup));
        var (g, u, d) = (There(gate, narrow), There(up, narrow), There(dy, narrow));
        var got = empty_like(g);
        kernels.GatedForward(gelu, g, u, got);
        Close(y, got, narrow);
        kernels.GatedBackward(gelu, d, g, u);
        Close(dgate, g, narrow);
        Close(dup, u, narrow);
        // In place, as without gradients.
        var over = There(gate, narrow);
        kernels.GatedForward(gelu, over, There(up, narrow), over);
        Assert.Equal(Floats(got), Floats(over));
    }

    [Theory, MemberData(nameof(Runners))]
    public void Rms_norm(string device)
    {
        using var used = Devices.Use(device);
        foreach (var (rows, n) in new[] { (1, 1), (3, 37), (33, 576), (5, 1031) })
        {
            using var scope = NewDisposeScope();
            var kernels = Devices.CurrentKernels();
            var (x, w, g) = (Random(4, rows, n) * 3, Random(5, n), Random(6, rows, n));
            var (y, r, dx, dw) = (empty(rows, n), empty(rows), empty(rows, n), empty(n));
            RmsNormKernel.Forward(TensorMemory.Floats(x), TensorMemory.Floats(w), 1e-5, rows, n, TensorMemory.Floats(y), TensorMemory.Floats(r));
            RmsNormKernel.Backward(TensorMemory.Floats(g), TensorMemory.Floats(x), TensorMemory.Floats(w), TensorMemory.Floats(r), rows, n, TensorMemory.Floats(dx));
            RmsNormKernel.WeightGradient(TensorMemory.Floats(g), TensorMemory.Floats(x), TensorMemory.Floats(r), rows, n, TensorMemory.Floats(dw));
            var (xt, wt, gt) = (There(x), There(w), There(g));
            var (yt, rt, dxt, dwt) = (empty_like(xt), There(empty(rows)), empty_like(xt), empty_like(wt));
            kernels.RmsNormForward(xt, wt, 1e-5, false, yt, rt);
            // A sum of n squares in another order: √n roundings of it, halved by the root.
            var tolerance = 1e-7 * (4 + Math.Sqrt(n));
            Close(r, rt, tolerance * r.abs().max().item<float>());
            Close(y, yt, tolerance * y.abs().max().item<float>());
            kernels.RmsNormBackward(gt, xt, wt, There(r), dxt);
            // One feature alone: the two terms cancel.
            Close(dx, dxt, tolerance * (dx.abs().max().item<float>() + (g * w).abs().max().item<float>() * r.max().item<float>()));
            // The same parts, the same operations, the same order.
            kernels.RmsNormWeightGradient(gt, xt, There(r), dwt);
            Assert.Equal(Floats(dw), Floats(dwt));
        }
    }

    [Theory, MemberData(nameof(Runners))]
    public void Rms_norm_of_bf16_rounds_where_the_models_of_transformers_do(string device)
    {
        using var used = Devices.Use(device);
        using var scope = NewDisposeScope();
        var kernels = Devices.CurrentKernels();
        var (x, w, g) = (Random(7, 9, 300).to(ScalarType.BFloat16), Random(8, 300).to(ScalarType.BFloat16), Random(9, 9, 300).to(ScalarType.BFloat16));
        var wide = x.to(ScalarType.Float32);
        var normed = wide * rsqrt((wide * wide).mean([-1], keepdim: true) + 1e-5);
        var (xt, wt) = (There(x), There(w.to(ScalarType.Float32)));
        var (y, r) = (empty_like(xt), There(empty(9)));
        kernels.RmsNormForward(xt, wt, 1e-5, true, y, r);
        Close((normed.to(ScalarType.BFloat16) * w).to(ScalarType.Float32), y, narrow: true);
        kernels.RmsNormForward(xt, wt, 1e-5, false, y, r);
        Close(normed * w.to(ScalarType.Float32), y, narrow: true);
        var dx = empty_like(xt);
        kernels.RmsNormBackward(There(g), xt, wt, r, dx);
        var leaf = wide.detach().requires_grad_(true);
        (leaf * rsqrt((leaf * leaf).mean([-1], keepdim: true) + 1e-5) * w.to(ScalarType.Float32)).backward([g.to(ScalarType.Float32)]);
        Close(leaf.grad!, dx, narrow: true);
        leaf.grad = null;
    }

    [Theory, MemberData(nameof(Runners))]
    public void Rotary_embedding_is_equal(string device)
    {
        using var used = Devices.Use(device);
        foreach (var (tokens, heads, size, half, narrow) in new[] { (5, 3, 64, 32, false), (7, 2, 10, 3, false), (1, 1, 2, 1, false), (6, 3, 16, 8, true), (4, 2, 9, 2, true) })
        {
            using var scope = NewDisposeScope();
            var kernels = Devices.CurrentKernels();
            var x = Rounded(Random(10, tokens, heads, size), narrow);
            var (cosine, sine) = (Rounded(Random(11, tokens, half), narrow), Rounded(Random(12, tokens, half), narrow));
            var start = There(x, narrow);
            foreach (var back in new[] { false, true })
            {
                var want = x.clone();
                RotaryKernel.Rotate(TensorMemory.Floats(want), TensorMemory.Floats(cosine), TensorMemory.Floats(sine), tokens, heads, size, half, back);
                var y = empty_like(start);
                kernels.Rotate(start, There(cosine, narrow), There(sine, narrow), size, back, y);
                Assert.Equal(Floats(Rounded(want, narrow)), Floats(y));
                var place = start.clone();
                kernels.Rotate(place, There(cosine, narrow), There(sine, narrow), size, back, place);
                Assert.Equal(Floats(y), Floats(place));
            }
        }
    }

    [Theory, MemberData(nameof(Runners))]
    public void Cross_entropy(string device)
    {
        using var used = Devices.Use(device);
        foreach (var (rows, vocabulary) in new[] { (1, 1), (5, 37), (3, 4099) })
        {
            using var scope = NewDisposeScope();
            var kernels = Devices.CurrentKernels();
            var logits = Random(13, rows, vocabulary) * 4;
            using var generator = new Generator(14, CPU);
            var targets = randint(0, vocabulary, [rows], ScalarType.Int64, generator: generator);
            var (wantLoss, wantGradient) = LowRank.Autograd.ChunkedCrossEntropy.PlainForwardBackward(logits.to(ScalarType.Float64).to(ScalarType.Float32), targets, 0.25);
            var there = There(logits);
            // The logarithm makes the relative error of a sum of exponentials absolute: a few ulp of numbers near 10.
            Assert.Equal(wantLoss, kernels.CrossEntropy(there, There(targets), null), 4e-6 * rows);
            Assert.Equal(Floats(logits), Floats(there));
            Assert.Equal(wantLoss, kernels.CrossEntropy(there, There(targets), 0.25), 4e-6 * rows);
            Close(wantGradient, there, 1e-6);
        }
    }

    [Theory, MemberData(nameof(Runners))]
    public void A_label_outside_the_vocabulary_is_refused(string device)
    {
        using var used = Devices.Use(device);
        using var scope = NewDisposeScope();
        var kernels = Devices.CurrentKernels();
        foreach (var label in new[] { 8L, -1L })
            Assert.Throws<ArgumentOutOfRangeException>(() => kernels.CrossEntropy(There(zeros(2, 8)), There(tensor([1L, label])), 1));
    }

    [Theory, MemberData(nameof(Runners))]
    public void AdamW_is_equal(string device)
    {
        using var used = Devices.Use(device);
        using var scope = NewDisposeScope();
        var kernels = Devices.CurrentKernels();
        const int n = 5003;
        Tensor[] here = [Random(15, n), zeros(n), zeros(n)];
        var there = Array.ConvertAll(here, There);
        for (var step = 1; step <= 4; step++)
        {
            var gradient = Random(15 + step, n) * (step == 3 ? 0 : 1);
            var numbers = new AdamWStep(new AdamWSettings(), 1e-3 * step, 0.1, step);
            AdamWKernel.Update(TensorMemory.Floats(here[0]), TensorMemory.Floats(gradient), TensorMemory.Floats(here[1]), TensorMemory.Floats(here[2]), n, numbers);
            kernels.AdamW(there[0], There(gradient), there[1], there[2], numbers);
            for (var i = 0; i < here.Length; i++) Assert.Equal(Floats(here[i]), Floats(there[i]));
        }
    }

    [Theory, MemberData(nameof(Runners))]
    public void The_norm_is_summed_in_fp64(string device)
    {
        using var used = Devices.Use(device);
        using var scope = NewDisposeScope();
        foreach (var n in new[] { 1, 1000, (1 << 16) + 1, 200_001 })
        {
            var x = Random(20, n);
            var want = FlatKernels.Norm(MemoryMarshal.Cast<byte, float>(x.bytes));
            // fp64 sums in another order.
            Assert.Equal(want, Devices.CurrentKernels().Norm(There(x)), 1e-12 * want);
        }
    }

    private static Tensor Random(long seed, params long[] shape)
    {
        using var generator = new Generator((ulong)seed, CPU);
        return randn(shape, generator: generator);
    }

    private static Tensor Rounded(Tensor x, bool narrow) => narrow ? x.to(ScalarType.BFloat16).to(ScalarType.Float32) : x;

    private static Tensor There(Tensor x) => x.clone().to(Devices.Current);

    private static Tensor There(Tensor x, bool narrow) => There(narrow ? x.to(ScalarType.BFloat16) : x);

    private static float[] Floats(Tensor x) => x.detach().to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();

    private static void Close(Tensor want, Tensor got, double absolute) => Near.All(Floats(want), Floats(got), absolute, "kernel");

    // fp32: exponentials within 2 ulp of each other, in values whose terms cancel at most to a tenth.
    private static void Close(Tensor want, Tensor got, bool narrow)
    {
        var (a, b) = (Floats(want), Floats(got));
        for (var i = 0; i < a.Length; i++)
            Assert.True(Math.Abs(a[i] - b[i]) <= (narrow ? Bf16Ulp * Math.Abs(a[i]) + 2e-6 : 2e-6 + 2e-6 * Math.Abs(a[i])), $"element {i} is {b[i]:g9}, want {a[i]:g9}");
    }
}
