using LowRank.Adapters;
using LowRank.Adapters.Initialization;
using LowRank.Formats;
using LowRank.Layers;
using LowRank.Quantization;
using LowRank.Runtime.Interop;
using LowRank.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Tests.Adapters;

/// <summary>Starts that depend on the weight: what holds for any weight, and what is refused.</summary>
public sealed class InitializationTests
{
    private const int In = 24, Out = 32, Rank = 4;

    private static float[] Floats(Tensor t) => t.detach().contiguous().data<float>().ToArray();

    private static ResidualLoraAdapter Create(LoraConfig config, FrozenLinear frozen, Dropout? dropout = null)
    {
        using var generator = new Generator(1, CPU);
        var target = new AdapterTarget(new AdaptableModule("layer", ModuleKind.Linear, In, Out, false), config.Rank, config.Alpha, config.Scaling(config.Rank, config.Alpha));
        return (ResidualLoraAdapter)AdapterMethod.Of(config).Create(target, frozen, new AdapterStart(generator, dropout ?? new Dropout(), 0));
    }

    private static unsafe FrozenWeight Weight(Tensor weight, bool fourBit) => !fourBit ? new DenseWeight(weight.clone())
        : FourBitWeight.Quantize((byte*)TensorMemory.DataPointer(weight), TensorType.F32, weight.shape[0], weight.shape[1], new FourBitOptions(), "weight");

    [Theory]
    [InlineData(LoraInitialization.Pissa, null, false), InlineData(LoraInitialization.Pissa, null, true), InlineData(LoraInitialization.Pissa, 2, true), InlineData(LoraInitialization.OLora, null, false), InlineData(LoraInitialization.OLora, null, true)]
    public void A_new_adapter_changes_nothing_and_learns_as_plain_products_do(LoraInitialization start, int? iterations, bool fourBit)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3, CPU);
        using var frozen = new FrozenLinear(Weight(randn([Out, In], generator: generator), fourBit));
        using var adapter = Create(new LoraConfig { Rank = Rank, Alpha = 6, Initialization = start, PissaIterations = iterations }, frozen);
        var x = randn([3, 5, In], generator: generator);
        var before = Floats(frozen.Forward(x));
        Assert.Contains(Floats(adapter.Parameters[1].Value), v => Math.Abs(v) > 0.05);
        // Two terms of size ten, each a sum of 4 to 24 products, that cancel: some 2⁻²⁴ · 10 · 24 at most.
        Near.All(before, Floats(adapter.Forward(x, frozen)), 2e-5, "a new adapter");

        // Once changed: the node against plain products, forward and backward.
        adapter.Parameters[0].Set(adapter.Parameters[0].Value + 0.1);
        adapter.Parameters[1].Set(adapter.Parameters[1].Value * 1.5);
        var upstream = randn([3, 5, Out], generator: generator);
        (float[] Y, float[][] Gradients) Of(Func<Tensor, Tensor> forward)
        {
            foreach (var p in adapter.Parameters) p.Value.grad = null;
            var input = x.detach().clone().requires_grad_(true);
            var y = forward(input);
            y.backward([upstream]);
            return (Floats(y), [Floats(input.grad!), .. adapter.Parameters.Select(p => Floats(p.Value.grad!))]);
        }

        var node = Of(input => adapter.Forward(input, frozen));
        var plain = Of(input => ((ILinearAdapter)adapter).Adjust(input, frozen.Forward(input), frozen));
        Assert.NotEqual(before, node.Y);
        // Sums of at most 32 products of size ten in another order.
        Near.All(plain.Y, node.Y, 1e-4, "output");
        foreach (var (want, got) in plain.Gradients.Zip(node.Gradients)) Near.All(want, got, 2e-6 * want.Max(Math.Abs) * Out, "gradient");
        using var merged = frozen.Weight.Dequantize(0, Out);
        adapter.Merge(merged, 0);
        Near.All(node.Y, Floats(x.matmul(merged.t())), 1e-4, "merged");
        // The base stays.
        Assert.Equal(before, Floats(frozen.Forward(x)));
    }

    [Fact]
    public void The_fast_decomposition_comes_to_the_exact_one_and_needs_no_seed()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5, CPU);
        // Singular values that halve: after 16 iterations what lies beyond the rank has shrunk by 2⁻³³ against what lies within.
        var (u, v) = (linalg.qr(randn([Out, In], generator: generator)).Q, linalg.qr(randn([In, In], generator: generator)).Q);
        var weight = (u * tensor(Enumerable.Range(0, In).Select(i => MathF.Pow(2, -i)).ToArray())).mm(v.t());
        Tensor Product(int? iterations)
        {
            var (a, b) = PrincipalPair.Of(weight, Rank, 2, iterations);
            return b.mm(a) * 2;
        }

        var exact = Product(null);
        // The largest singular value is 1: a few roundings of it.
        Near.All(Floats(exact), Floats(Product(16)), 2e-6, "16 iterations");
        var rough = Product(0);
        Assert.True((weight - rough).norm().item<float>() > (weight - exact).norm().item<float>() * 1.01, "without iterations the sketch is worse");
        Assert.Equal(Floats(rough), Floats(Product(0)));
        // What is left is what the other singular values make: √(Σ 4⁻ⁱ) from the fourth on.
        Assert.Equal(Math.Sqrt(Enumerable.Range(Rank, In - Rank).Sum(i => Math.Pow(4, -i))), (weight - exact).norm().item<float>(), 1e-6);
    }

    [Theory]
    [InlineData(false), InlineData(true)]
    public void Conversion_doubles_every_rank_and_keeps_every_scaling(bool rslora)
    {
        var config = new LoraConfig { Rank = 4, Alpha = 6, UseRslora = rslora, Initialization = LoraInitialization.Pissa, PissaIterations = 8, RankPattern = new() { ["q"] = 3 }, AlphaPattern = new() { ["q"] = 5, ["v"] = 7 }, TargetModules = ["q", "k", "v"] };
        var converted = LoraConversion.Of(config);
        Assert.Equal((LoraInitialization.KaimingUniform, null, rslora), (converted.Initialization, converted.PissaIterations, converted.UseRslora));
        AdaptableModule[] modules = [.. new[] { "q", "k", "v" }.Select(n => new AdaptableModule(n, ModuleKind.Linear, 64, 64, false))];
        foreach (var (before, after) in TargetMatcher.Select(config, modules).Targets.Zip(TargetMatcher.Select(converted, modules).Targets))
        {
            Assert.Equal(2 * before.Rank, after.Rank);
            // Two roundings of a double.
            Assert.Equal(before.Scaling, after.Scaling, before.Scaling * 1e-15);
        }
    }

    [Fact]
    public void What_has_too_few_directions_or_is_an_embedding_is_refused()
    {
        AdaptableModule[] modules = [new("embed", ModuleKind.Embedding, 100, 16, false), new("small", ModuleKind.Linear, 64, 6, false), new("large", ModuleKind.Linear, 64, 64, false)];
        var config = new LoraConfig { Rank = 8, Initialization = LoraInitialization.OLora, TargetModules = ["embed", "small", "large"] };
        var error = Assert.Throws<LoraConfigException>(() => TargetMatcher.Select(config, modules));
        Assert.Contains(error.Problems, p => p.Contains("embed: init_lora_weights \"olora\" does not go on embeddings", StringComparison.Ordinal));
        Assert.Contains(error.Problems, p => p.Contains("small: a weight of 6 × 64 has no 8 directions", StringComparison.Ordinal));
        Assert.Equal(2, error.Problems.Count);
    }

    [Fact]
    public void Dropout_leaves_what_is_subtracted_whole()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var generator = new Generator(7, CPU);
        using var frozen = new FrozenLinear(Weight(randn([Out, In], generator: generator), false));
        var dropout = new Dropout();
        using var adapter = Create(new LoraConfig { Rank = Rank, Alpha = 4, Dropout = 0.5, Initialization = LoraInitialization.Pissa }, frozen, dropout);
        var x = randn([2, In], generator: generator);
        // With nothing trained left, the output is that of PEFT's residual weight, whatever is dropped.
        var residual = frozen.Weight.Dequantize(0, Out) + adapter.Initial.NegatedB.mm(adapter.Initial.A) * adapter.Scaling;
        adapter.Parameters[1].Set(zeros(Out, Rank));
        using var training = dropout.Activate(seed: 2, step: 1, microBatch: 0);
        // Sums of 24 products of a few units, in another order.
        Near.All(Floats(x.mm(residual.t())), Floats(adapter.Forward(x, frozen)), 2e-5, "with dropout");
    }
}
