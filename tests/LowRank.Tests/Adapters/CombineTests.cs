using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Testing;

namespace LowRank.Tests.Adapters;

/// <summary>What combining adapters refuses, and adapters that go on different modules.</summary>
public sealed class CombineTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void All_that_cannot_be_combined_is_told_together()
    {
        var a = Write("a", new LoraConfig { Rank = 2, UseDora = true, TargetModules = ["q"] }, ("q", 4, 6));
        var b = Write("b", new LoraConfig { Rank = 3, Bias = BiasTraining.All, ModulesToSave = ["norm"], TargetModules = ["q"] }, ("q", 5, 6));
        var c = Write("c", new MissConfig { Rank = 2, TargetModules = ["q"] }, ("q", 4, 6));
        var error = Assert.Throws<LoraConfigException>(() => AdapterCombiner.Combine(
            [new("a", a, 1), new("b", b, 1), new("c", c, 1), new("d", folder.At("nowhere"), 1)], folder.At("out"), new CombineOptions { Method = CombinationMethod.Ties, Rank = 4 }));
        foreach (var text in new[] { "a: use_dora", "b: it trains biases", "b: it holds whole modules (norm", "c: peft_type is MISS", "d: ", "there is no such folder", "q has other widths", "ties needs equal ranks (q: a 2, b 3)", "ties_svd", "ties needs a density", "ties has a rank that follows" })
            Assert.Contains(text, error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.At("out")));
    }

    [Theory]
    [InlineData("linear", 2, 2)]
    [InlineData("cat", 4, 2)]
    public void Adapters_may_go_on_different_modules(string method, int rankOfBoth, int rankOfOne)
    {
        var a = Write("a", new LoraConfig { Rank = 2, TargetModules = ["q", "k"] }, ("q", 4, 6), ("k", 3, 6));
        var b = Write("b", new LoraConfig { Rank = 2, TargetModules = ["q", "v"] }, ("q", 4, 6), ("v", 5, 6));
        var report = AdapterCombiner.Combine([new("a", a, 1), new("b", b, -1)], folder.At("out"), new CombineOptions { Method = method == "cat" ? CombinationMethod.Cat : CombinationMethod.Linear });
        Assert.Equal((3, rankOfBoth), (report.Modules, report.Rank));
        using var result = AdapterFolder.Open(folder.At("out"));
        Assert.Equal(["q", "k", "v"], result.Config.TargetModules!.Order(StringComparer.Ordinal).OrderBy(n => "qkv".IndexOf(n, StringComparison.Ordinal)));
        var matcher = new TargetMatcher(result.Config);
        Assert.Equal([(rankOfBoth, (double)rankOfBoth), (rankOfOne, rankOfOne), (rankOfOne, rankOfOne)], new[] { "q", "k", "v" }.Select(matcher.NumbersFor));
        Assert.True(result.Weights.TryGet("base_model.model.v.lora_B.weight", out var info));
        Assert.Equal([5, rankOfOne], info.Shape);
    }

    [Fact]
    public void Ranks_are_filled_up_where_no_patterns_are_wanted()
    {
        var a = Write("a", new LoraConfig { Rank = 2, TargetModules = ["q", "k"] }, ("q", 4, 6), ("k", 3, 6));
        var b = Write("b", new LoraConfig { Rank = 2, TargetModules = ["q"] }, ("q", 4, 6));
        AdapterCombiner.Combine([new("a", a, 1), new("b", b, 2)], folder.At("plain"), new CombineOptions { Method = CombinationMethod.Cat });
        AdapterCombiner.Combine([new("a", a, 1), new("b", b, 2)], folder.At("portable"), new CombineOptions { Method = CombinationMethod.Cat, Portable = true });
        var (plain, portable) = (LoraConfig.Load(folder.At("plain")), LoraConfig.Load(folder.At("portable")));
        Assert.Equal((4, 4.0, 1, 1), (plain.Rank, plain.Alpha, plain.RankPattern.Count, plain.AlphaPattern.Count));
        Assert.Equal((4, 4.0, 0, 0), (portable.Rank, portable.Alpha, portable.RankPattern.Count, portable.AlphaPattern.Count));
        float[] Read(string from, string key, int count)
        {
            using var adapter = AdapterFolder.Open(folder.At(from));
            var values = new float[count];
            Assert.True(adapter.TryRead($"base_model.model.{key}.weight", values));
            return values;
        }
        Assert.Equal([.. Read("plain", "k.lora_A", 12), .. new float[12]], Read("portable", "k.lora_A", 24));
        var (narrow, wide) = (Read("plain", "k.lora_B", 6), Read("portable", "k.lora_B", 12));
        Assert.Equal([narrow[0], narrow[1], 0, 0, narrow[2], narrow[3], 0, 0, narrow[4], narrow[5], 0, 0], wide);
        Assert.Equal(Read("plain", "q.lora_A", 24), Read("portable", "q.lora_A", 24));
    }

    private string Write(string name, AdapterConfig config, params (string Module, long Out, long In)[] modules)
    {
        var rank = config is LoraConfig lora ? lora.Rank : 2;
        var tensors = modules.SelectMany(m => new[] { ($"{m.Module}.lora_A.weight", TensorType.F32, new long[] { rank, m.In }), ($"{m.Module}.lora_B.weight", TensorType.F32, new long[] { m.Out, rank }) }).ToList();
        using var writer = AdapterFolder.Create(folder.At(name), config, tensors);
        foreach (var (tensor, _, shape) in tensors) writer.Write(tensor, [.. Enumerable.Range(1, (int)(shape[0] * shape[1])).Select(i => MathF.Sin(i))]);
        writer.Commit();
        return folder.At(name);
    }
}
