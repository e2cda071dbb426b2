using LowRank.Layers;
using LowRank.Optimizers;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Tests.Optimizers;

/// <summary>AdamW in its forms: groups, 8-bit and paged state, each against a plain twin.</summary>
public sealed class AdamWTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-adamw-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    // Small and large tensors, with gaps, partial blocks and more than one piece of work.
    private static readonly long[] Lengths = [7, 4095, 4096, 5000, 70_001, 300];

    private static FlatParameters Parameters(params long[] lengths)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(7, CPU);
        return new FlatParameters([.. lengths.Select((n, i) => new TrainableParameter($"p{i}", randn([n], generator: generator).MoveToOuterDisposeScope()))]);
    }

    private static void Take(AdamW adam, FlatParameters flat, int steps, int first = 0)
    {
        for (var step = first; step < first + steps; step++)
        {
            using var scope = NewDisposeScope();
            for (var i = 0; i < flat.Parameters.Count; i++)
            {
                // The same gradients for a tensor wherever it stands among others.
                using var generator = new Generator((ulong)(1000 * step + flat.Parameters[i].Count), CPU);
                using var noGrad = no_grad();
                flat.GradientOf(i).copy_(randn(flat.Parameters[i].Shape, generator: generator) * 0.01);
            }
            adam.Step(1e-2);
        }
    }

    private static float[] Values(FlatParameters flat) => flat.Values.data<float>().ToArray();

    private static byte[] State(AdamW adam) => [.. adam.State.OrderBy(s => s.Key).SelectMany(s => s.Value.bytes.ToArray())];

    [Fact]
    public void Vectors_and_scalars_give_equal_8_bit_states()
    {
        using var fast = Parameters(Lengths);
        using var plain = Parameters(Lengths);
        var settings = new AdamWSettings(WeightDecay: 0.1) { Kind = OptimizerKind.AdamW8Bit };
        using var fastAdam = new AdamW(fast, settings);
        using var plainAdam = new AdamW(plain, settings, vectorised: false);
        Take(fastAdam, fast, 5);
        Take(plainAdam, plain, 5);
        Assert.Equal(Values(plain), Values(fast));
        Assert.Equal(State(plainAdam), State(fastAdam));
    }

    [Fact]
    public void Blocks_do_not_reach_into_the_next_tensor()
    {
        var settings = new AdamWSettings { Kind = OptimizerKind.AdamW8Bit };
        using var together = Parameters(Lengths);
        using var adam = new AdamW(together, settings);
        Take(adam, together, 3);
        for (var i = 0; i < Lengths.Length; i++)
        {
            using var all = Parameters(Lengths);
            using var alone = new FlatParameters([new TrainableParameter("alone", all.Parameters[i].Value.detach().clone())]);
            using var own = new AdamW(alone, settings);
            Take(own, alone, 3);
            Assert.Equal(alone.Parameters[0].Value.data<float>().ToArray(), together.Parameters[i].Value.data<float>().ToArray());
        }
    }

    [Fact]
    public void Eight_bit_moments_follow_the_32_bit_ones()
    {
        using var flat = Parameters(Lengths);
        using var exact = Parameters(Lengths);
        using var adam = new AdamW(flat, new AdamWSettings { Kind = OptimizerKind.AdamW8Bit });
        using var full = new AdamW(exact, new AdamWSettings());
        Take(adam, flat, 20);
        Take(full, exact, 20);
        var (got, want) = (Values(flat), Values(exact));
        // 20 steps of 1e-2 move a value by 0.2 at most; the mean difference is what codes of two digits cost.
        Assert.True(got.Zip(want, (a, b) => Math.Abs(a - b)).Average() < 2e-3);
        Assert.NotEqual(want, got);
    }

    [Theory]
    [InlineData(OptimizerKind.AdamW, true), InlineData(OptimizerKind.AdamW, false), InlineData(OptimizerKind.AdamW8Bit, true)]
    public void Each_group_has_its_rate_and_decay(OptimizerKind kind, bool vectorised)
    {
        using var flat = Parameters(Lengths);
        ParameterGroup[] groups = [new("even", 1, 0.1, [0, 2, 4]), new("none", 3, 0, []), new("odd", 16, 0.3, [1, 3, 5])];
        using var adam = new AdamW(flat, new AdamWSettings { Kind = kind }, groups, vectorised);
        Take(adam, flat, 3);
        foreach (var group in groups)
            foreach (var i in group.Parameters)
            {
                using var all = Parameters(Lengths);
                using var alone = new FlatParameters([new TrainableParameter("alone", all.Parameters[i].Value.detach().clone())]);
                using var own = new AdamW(alone, new AdamWSettings { Kind = kind }, [new ParameterGroup("alone", group.LearningRateFactor, group.WeightDecay, [0])], vectorised);
                Take(own, alone, 3);
                Assert.Equal(alone.Parameters[0].Value.data<float>().ToArray(), flat.Parameters[i].Value.data<float>().ToArray());
            }
    }

    [Fact]
    public void A_parameter_in_no_group_or_in_two_is_refused()
    {
        using var flat = Parameters(8, 8);
        Assert.Contains("p1 is in no group", Assert.Throws<ArgumentException>(() => new AdamW(flat, new AdamWSettings(), [new("a", 1, 0, [0])])).Message, StringComparison.Ordinal);
        Assert.Contains("p0 is in the groups a and b", Assert.Throws<ArgumentException>(() => new AdamW(flat, new AdamWSettings(), [new("a", 1, 0, [0, 1]), new("b", 1, 0, [0])])).Message, StringComparison.Ordinal);
        Assert.Contains("above 0", Assert.Throws<LowRankException>(() => new LoraPlus(0).Groups(flat.Parameters, 1e-4, 0)).Message, StringComparison.Ordinal);
    }

    // Under pressure every window goes out and comes back; with room none does. The bits are those of a state in memory.
    [Theory]
    [InlineData(OptimizerKind.AdamW, true), InlineData(OptimizerKind.AdamW, false), InlineData(OptimizerKind.AdamW8Bit, true), InlineData(OptimizerKind.AdamW8Bit, false)]
    public void A_paged_state_gives_equal_bits(OptimizerKind kind, bool pressure)
    {
        // More than two windows of 4 Mi elements.
        long[] lengths = [100, 5_000_000, 70_001, 6_000_000];
        var settings = new AdamWSettings(WeightDecay: 0.01) { Kind = kind };
        using var resident = Parameters(lengths);
        using var paged = Parameters(lengths);
        using var inMemory = new AdamW(resident, settings);
        using var inFile = new AdamW(paged, settings, null, true, layout => new PagedState(layout, new OptimizerPaging(folder), () => pressure ? 0 : long.MaxValue / 2, margin: 1));
        Take(inMemory, resident, 1);
        Take(inFile, paged, 1);
        Assert.Equal(0, inFile.Traffic!.Value.InBytes);
        Take(inMemory, resident, 2, first: 1);
        Take(inFile, paged, 2, first: 1);
        Assert.True(Values(resident).AsSpan().SequenceEqual(Values(paged)));
        Assert.True(State(inMemory).AsSpan().SequenceEqual(State(inFile)));
        Assert.Null(inMemory.Traffic);
        if (OperatingSystem.IsLinux())
        {
            var bytes = inFile.State.Values.Sum(t => t.NumberOfElements * t.ElementSize);
            var (moved, all) = (inFile.Traffic!.Value, pressure ? bytes : 0);
            // The page cache lets go and reads ahead in units of its own, up to some MiB, that reach over a window's ends.
            Assert.InRange(moved.OutBytes, all * 0.5, all);
            Assert.InRange(moved.InBytes, all * 0.5, all * 1.01);
        }
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    [Fact]
    public void A_folder_that_does_not_exist_yet_means_the_one_above_it()
    {
        using var flat = Parameters(100);
        using var adam = new AdamW(flat, new AdamWSettings { Paging = new OptimizerPaging(Path.Combine(folder, "not", "yet")) });
        Take(adam, flat, 2);
        Assert.Equal(new PagingTraffic(0, 0), adam.Traffic);
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    [Fact]
    public void More_than_the_disk_holds_is_refused_before_anything_is_written()
    {
        var error = Assert.Throws<LowRankException>(() => PageFile.Create(folder, long.MaxValue / 2));
        Assert.Contains("The paged optimizer state", error.Message, StringComparison.Ordinal);
        Assert.Contains("are free", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    [Theory]
    [InlineData(OptimizerKind.AdamW), InlineData(OptimizerKind.AdamW8Bit)]
    public void The_footprint_is_what_is_allocated(OptimizerKind kind)
    {
        using var flat = Parameters(Lengths);
        using var adam = new AdamW(flat, new AdamWSettings { Kind = kind });
        var allocated = adam.State.Values.Sum(t => t.NumberOfElements * t.ElementSize);
        var predicted = Lengths.Sum(n => OptimizerFootprint.Of(kind, paged: false, n).ResidentBytes);
        // Gaps of at most 15 elements between tensors.
        Assert.InRange(allocated - predicted, 0, Lengths.Length * 15 * 8);
        Assert.Equal(Lengths.Sum(n => OptimizerFootprint.Of(kind, paged: true, n).PagedBytes), predicted);
        Assert.Equal(0, OptimizerFootprint.Of(kind, paged: true, 5000).ResidentBytes);
    }
}
