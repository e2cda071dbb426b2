using System.Runtime.InteropServices;
using LowRank.Autograd;
using LowRank.Kernels.Cpu;
using LowRank.Layers;
using LowRank.Optimizers;
using LowRank.Quantization;
using LowRank.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Tests.Kernels;

/// <summary>Each CPU kernel against its plain twin.</summary>
public sealed class CpuKernelTests
{
    [Theory]
    [InlineData(5, 37), InlineData(3, 4096), InlineData(1, 49152)]
    public void Cross_entropy_equals_logsumexp(int rows, int vocabulary)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)vocabulary, CPU);
        var logits = randn([rows, vocabulary], generator: generator) * 4;
        var targets = randint(0, vocabulary, [rows], ScalarType.Int64, generator: generator);
        var (wantLoss, wantGradient) = ChunkedCrossEntropy.PlainForwardBackward(logits.clone(), targets, 0.25);
        var ids = MemoryMarshal.Cast<byte, long>(targets.bytes);
        // The lanes' sum of n exponentials is low by at most n/16 halves of an ulp: 1e-5 relative at 49,152, which the logarithm makes absolute.
        Assert.Equal(wantLoss, CrossEntropyKernel.Loss(logits, ids), 2e-5 * rows);
        Assert.Equal(wantLoss, CrossEntropyKernel.LossAndGradient(logits, ids, 0.25), 2e-5 * rows);
        Near.All(wantGradient.data<float>().ToArray(), logits.data<float>().ToArray(), 1e-5, "gradient");
    }

    [Fact]
    public void A_label_outside_the_vocabulary_is_refused()
    {
        using var logits = zeros(1, 8);
        Assert.Throws<ArgumentOutOfRangeException>(() => CrossEntropyKernel.Loss(logits, [8L]));
    }

    [Theory]
    [InlineData(1, 64, 33), InlineData(3, 576, 1000), InlineData(8, 32, 7), InlineData(4, 1536, 64), InlineData(7, 96, 1001), InlineData(32, 576, 131)]
    public void Bf16_gemv_equals_the_widened_product(int rows, int inFeatures, int outFeatures)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3, CPU);
        var x = randn([rows, inFeatures], generator: generator);
        var w = randn([outFeatures, inFeatures], generator: generator).to(ScalarType.BFloat16);
        Assert.SkipUnless(BFloat16Gemv.Handles(x, w), "this processor has no 256-bit vectors");
        var want = x.mm(w.to(ScalarType.Float32).t());
        // Sums of `in` products near 1 in another order: √in roundings of numbers up to √in.
        Near.All(want.data<float>().ToArray(), BFloat16Gemv.Multiply(x, w).data<float>().ToArray(), inFeatures * 1e-6, "y");
    }

    [Fact]
    public void AdamW_equals_the_tensor_operations()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4, CPU);
        var start = randn([70_001], generator: generator);
        TrainableParameter Parameter() => new("w", start.clone());
        using var fast = new FlatParameters([Parameter()]);
        using var plain = new FlatParameters([Parameter()]);
        using var fastAdam = new AdamW(fast, new AdamWSettings(WeightDecay: 0.1));
        using var plainAdam = new AdamW(plain, new AdamWSettings(WeightDecay: 0.1), vectorised: false);
        for (var step = 0; step < 5; step++)
        {
            var gradient = randn([fast.Length], generator: generator);
            fast.Gradients.copy_(gradient);
            plain.Gradients.copy_(gradient);
            Assert.Equal(plain.Gradients.norm().item<float>(), fast.GradientNorm(), 1e-3);
            fastAdam.Step(1e-2);
            plainAdam.Step(1e-2);
        }
        // torch may contract a multiply and an add into one rounding; a step is 1e-2, so its ulps are near 1e-9, those of the values near 1e-7.
        Near.All(Floats(plainAdam.State["first_moment"]), Floats(fastAdam.State["first_moment"]), 1e-6, "first moment");
        Near.All(Floats(plainAdam.State["second_moment"]), Floats(fastAdam.State["second_moment"]), 1e-6, "second moment");
        Near.All(Floats(plain.Values), Floats(fast.Values), 1e-6, "values");
    }

    [Fact]
    public void A_large_weight_in_panels_equals_the_whole_one()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5, CPU);
        // 5 M elements: two panels of 4 Mi.
        var w = randn([5000, 1024], generator: generator).to(ScalarType.BFloat16);
        using var frozen = new DenseWeight(w.clone());
        var (x, dy, wide) = (randn([16, 1024], generator: generator), randn([16, 5000], generator: generator), w.to(ScalarType.Float32));
        Near.All(Floats(x.mm(wide.t())), Floats(frozen.Linear(x)), 2e-4, "y");
        Near.All(Floats(dy.mm(wide)), Floats(frozen.LinearBackward(dy)), 5e-4, "dx");
        var ids = tensor(new long[] { 7, 4999, 7 }).view(1, 3);
        Assert.Equal(Floats(wide.index_select(0, ids.view(-1))), Floats(frozen.Rows(ids, ScalarType.Float32)));
    }

    private static float[] Floats(Tensor t) => t.contiguous().data<float>().ToArray();
}
