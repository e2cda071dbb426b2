using LowRank.Adapters;
using LowRank.Adapters.Miss;
using LowRank.Autograd;
using LowRank.Formats;
using LowRank.Layers;
using LowRank.Quantization;
using LowRank.Runtime.Interop;
using LowRank.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Tests.Adapters;

/// <summary>MiSS "bat", whose update is a product with the weight: the node against plain operations, over a dense base and one in 4 bits, and merging in pieces.</summary>
public sealed class MissBatTests
{
    private const int Rank = 4, Out = 24, In = 32;

    private static float[] Floats(Tensor t) => t.detach().contiguous().data<float>().ToArray();

    private static unsafe FrozenWeight Weight(Tensor weight, bool fourBit) => !fourBit ? new DenseWeight(weight.clone())
        : FourBitWeight.Quantize((byte*)TensorMemory.DataPointer(weight), TensorType.F32, weight.shape[0], weight.shape[1], new FourBitOptions(), "weight");

    private static ILinearAdapter Create(FrozenLinear frozen)
    {
        using var generator = new Generator(1, CPU);
        var target = new AdapterTarget(new AdaptableModule("layer", ModuleKind.Linear, In, Out, false), Rank, 1, 1);
        return AdapterMethod.Of(new MissConfig { Rank = Rank, IsBat = true }).Create(target, frozen, new AdapterStart(generator, new Dropout(), 0));
    }

    // The weight with its update, by loops over blocks: block ij gains Wᵢⱼ Dᵢ + Dᵢ.
    private static Tensor Whole(Tensor weight, Tensor blocks)
    {
        var rows = new List<Tensor>();
        for (var i = 0; i < Out / Rank; i++)
        {
            var d = blocks[i];
            rows.Add(cat([.. Enumerable.Range(0, In / Rank).Select(j => weight.narrow(0, i * Rank, Rank).narrow(1, j * Rank, Rank)).Select(w => w + w.mm(d) + d)], 1));
        }
        return cat(rows, 0);
    }

    [Theory]
    [InlineData(false), InlineData(true)]
    public void Equals_plain_operations_forward_backward_and_merged(bool fourBit)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3, CPU);
        using var frozen = new FrozenLinear(Weight(randn([Out, In], generator: generator), fourBit), randn([Out], generator: generator));
        using var adapter = Create(frozen);
        var (x, upstream) = (randn([3, 5, In], generator: generator), randn([3, 5, Out], generator: generator));
        Assert.IsType<MissBatAdapter>(adapter);
        Assert.Equal([Out / Rank, Rank, Rank], adapter.Parameters[0].Shape);
        // It starts from zero.
        Assert.Equal(Floats(frozen.Forward(x)), Floats(adapter.Forward(x, frozen)));

        adapter.Parameters[0].Set(randn([Out / Rank, Rank, Rank], generator: generator) * 0.3);
        var stored = frozen.Weight.Dequantize(0, Out);
        var blocks = adapter.Parameters[0].Value.detach().clone().requires_grad_(true);
        (float[] Y, float[] Input, float[] Blocks) Of(Func<Tensor, Tensor> forward, Func<Tensor?> gradient)
        {
            var input = x.detach().clone().requires_grad_(true);
            var y = forward(input);
            BackwardPass.Run(y, upstream);
            return (Floats(y), Floats(input.grad!), Floats(gradient()!));
        }

        var plain = Of(input => nn.functional.linear(input, Whole(stored, blocks), frozen.Bias), () => blocks.grad);
        var node = Of(input => adapter.Forward(input, frozen), () => adapter.Parameters[0].Value.grad);
        // Sums of 32 to 120 products of a few units in another order.
        Near.All(plain.Y, node.Y, 2e-5, "output");
        Near.All(plain.Input, node.Input, 5e-5, "gradient of the input");
        Near.All(plain.Blocks, node.Blocks, 2e-6 * plain.Blocks.Max(Math.Abs) * 15, "gradient of D");
        Near.All(plain.Y, Floats(adapter.Adjust(x, frozen.Forward(x), frozen)), 2e-5, "beside others");

        // Whole, and in pieces that cut blocks.
        using var whole = frozen.Weight.Dequantize(0, Out);
        adapter.Merge(whole, 0);
        Near.All(Floats(Whole(stored, blocks)), Floats(whole), 1e-5, "merged");
        using var pieces = frozen.Weight.Dequantize(0, Out);
        foreach (var (from, count) in new[] { (0L, 3L), (3L, 6L), (9L, 15L) }) adapter.Merge(pieces.narrow(0, from, count), from);
        Near.All(Floats(whole), Floats(pieces), 1e-6, "merged in pieces");
    }

    [Fact]
    public void A_weight_that_cannot_be_cut_into_blocks_is_told()
    {
        AdaptableModule[] modules = [new("even", ModuleKind.Linear, 32, 24, false), new("odd", ModuleKind.Linear, 30, 24, false)];
        var error = Assert.Throws<LoraConfigException>(() => TargetMatcher.Select(new MissConfig { Rank = 8, IsBat = true, TargetModules = ["even", "odd"] }, modules));
        Assert.Contains("odd: its weight of 24 × 30 cannot be cut into blocks of r × r", Assert.Single(error.Problems), StringComparison.Ordinal);
        Assert.Contains("two forms of D", Assert.Throws<LoraConfigException>(() => new MissConfig { IsBat = true, IsMini = true }.Validate()).Message, StringComparison.Ordinal);
    }
}
