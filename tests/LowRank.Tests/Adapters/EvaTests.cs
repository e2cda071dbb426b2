using LowRank.Adapters;
using LowRank.Adapters.Initialization.Eva;
using LowRank.Layers;
using LowRank.Quantization;
using LowRank.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Tests.Adapters;

/// <summary>Incremental principal directions against the decomposition of all rows at once, and how ranks are shared out.</summary>
public sealed class EvaTests
{
    private static float[] Floats(Tensor t) => t.detach().contiguous().data<float>().ToArray();

    // Rows with standard deviations that fall by a fifth from direction to direction, around a mean that is not zero.
    private static Tensor Rows(int count, int width, ulong seed)
    {
        using var scope = NewDisposeScope();
        using var turning = new Generator(99, CPU);
        using var generator = new Generator(seed, CPU);
        var basis = linalg.qr(randn([width, width], generator: turning)).Q;
        var scales = tensor(Enumerable.Range(0, width).Select(i => MathF.Pow(0.8f, i)).ToArray());
        return ((randn([count, width], generator: generator) * scales).mm(basis) + 0.5).MoveToOuterDisposeScope();
    }

    [Theory]
    // The last one takes the way by random directions, whose shorter side is beyond 512.
    [InlineData(40, 1, 200, 8), InlineData(40, 6, 100, 40), InlineData(40, 6, 100, 8), InlineData(600, 3, 600, 8)]
    public void Directions_are_those_of_all_rows_at_once(int width, int batches, int rows, int components)
    {
        using var scope = NewDisposeScope();
        var parts = Enumerable.Range(0, batches).Select(i => Rows(rows, width, (ulong)i + 1)).ToArray();
        using var pca = new IncrementalPca(components);
        Assert.Empty(pca.Add(parts[0]));
        foreach (var part in parts[1..]) Assert.All(pca.Add(part), c => Assert.InRange(c, -1.0001, 1.0001));
        Assert.Equal(batches * rows, pca.Rows);

        var all = cat(parts, 0).to(ScalarType.Float64);
        var (_, s, vh) = linalg.svd(all - all.mean([0]), fullMatrices: false);
        var first = Math.Min(components, 4);
        var exact = vh.narrow(0, 0, first).to(ScalarType.Float32);
        var found = pca.Directions!.narrow(0, 0, first);
        // What is cut off after each batch is 0.8⁸ of the largest and less; it turns the first four by some thousandths. With nothing cut off there is only rounding.
        var exactly = batches == 1 || components == width;
        Near.All(Floats(exact.t().mm(exact)), Floats(found.t().mm(found)), exactly ? 1e-4 : 0.02, "the space of the first directions");
        double[] ratios = [.. (s.square() / s.square().sum()).data<double>().ToArray().Take(first)];
        for (var i = 0; i < first; i++) Assert.Equal(ratios[i], pca.ExplainedRatios[i], exactly ? 1e-5 : 5e-3);
    }

    [Fact]
    public void A_batch_that_was_seen_turns_nothing_and_too_few_rows_are_refused()
    {
        using var scope = NewDisposeScope();
        var rows = Rows(60, 20, 1);
        using var pca = new IncrementalPca(6);
        pca.Add(rows);
        Assert.All(pca.Add(rows), c => Assert.Equal(1, c, 1e-4));
        Assert.Throws<ArgumentOutOfRangeException>(() => pca.Add(rows.narrow(0, 0, 5)));
    }

    [Fact]
    public void Ranks_go_where_they_explain_most_and_together_keep_the_budget()
    {
        (string, string, IReadOnlyList<float>)[] modules = [("q", "q", [0.5f, 0.1f, 0.01f]), ("k", "q", [0.5f, 0.1f, 0.01f]), ("up", "up", [0.3f, 0.29f, 0.28f]), ("down", "down", [0.001f, 0.0005f])];
        var ranks = RankShares.Of(modules, 6);
        Assert.Equal(new Dictionary<string, int> { ["q"] = 2, ["k"] = 1, ["up"] = 3, ["down"] = 0 }, ranks);
        Assert.Equal(6, ranks.Values.Sum());
        // The one whose inputs the other shares has the higher rank, wherever it stands.
        Assert.Equal((2, 1), RankShares.Of([modules[1], modules[0], modules[2]], 6) is var turned ? (turned["q"], turned["k"]) : default);
        Assert.Equal(11, RankShares.Of(modules, 100).Values.Sum());
    }

    [Fact]
    public void A_module_that_explains_nothing_is_left_out_of_the_targets()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5, CPU);
        LinearSlot Slot(string name) => new(name, new FrozenLinear(new DenseWeight(randn([8, 12], generator: generator))));
        LinearSlot[] slots = [Slot("layers.0.one"), Slot("layers.0.other")];
        var config = new LoraConfig { Rank = 2, Alpha = 6, TargetModules = ["one", "other"], Initialization = LoraInitialization.Eva };
        // One input lies in a line, the other spreads over all directions alike: their largest shares are 1 and about a twelfth.
        var (line, cloud) = (randn([50, 1], generator: generator).mm(randn([1, 12], generator: generator)), randn([50, 12], generator: generator));
        using var search = new EvaSearch(slots, config with { Eva = new EvaConfig { Rho = 4, Whitens = true } }, null);
        for (var i = 0; i < 3; i++)
            search.Look(arange(50, ScalarType.Int64), () =>
            {
                slots[0].Forward(line).Dispose();
                slots[1].Forward(cloud).Dispose();
            });
        var (found, directions) = search.Result();
        // The budget of 4: one for the line, three for the cloud; alpha follows, so that the scaling stays 3.
        Assert.Equal((1, 3.0), (found.RankPattern["layers.0.one"], found.AlphaPattern["layers.0.one"]));
        Assert.Equal((3, 9.0), (found.RankPattern["layers.0.other"], found.AlphaPattern["layers.0.other"]));
        // Whitened: a direction over the root of its singular value, here of the rows twice, because they were found by being met again.
        using var centred = line - line.mean([0]);
        Assert.Equal(1 / Math.Sqrt(Math.Sqrt(2) * centred.norm().item<float>()), directions["layers.0.one"].norm().item<float>(), 1e-4);
        foreach (var d in directions.Values) d.Dispose();
        search.Dispose();
        foreach (var slot in slots) slot.Dispose();
    }
}
