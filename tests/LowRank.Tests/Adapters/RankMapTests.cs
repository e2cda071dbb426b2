using LowRank.Adapters;
using LowRank.Testing;

namespace LowRank.Tests.Adapters;

public sealed class RankMapTests
{
    [Fact]
    public void Layers_stand_in_the_order_of_their_numbers_and_gaps_stay_open()
    {
        var map = RankMap.Of([("model.layers.10.self_attn.q_proj", 4), ("model.layers.2.self_attn.q_proj", 0), ("model.layers.2.mlp.up_proj", 7), ("lm_head", 3)]);
        Assert.Equal(["", "2", "10"], map.Layers);
        Assert.Equal(["self_attn.q_proj", "mlp.up_proj", "lm_head"], map.Modules);
        Assert.Equal([-1, -1, 3, 0, 7, -1, 4, -1, -1], map.Ranks.Cast<int>());
        Assert.Equal((14, 4, (0, 7)), (map.Total, map.Count, map.Range));
    }

    public static IEnumerable<TheoryDataRow<string>> Cases => Golden.Cases("numerics/adapters/adalora", "numerics/adapters/adalora", "final/");

    // The ranks that PEFT kept stand in adapter_config.json as masks, in the file as rows.
    [Theory, MemberData(nameof(Cases)), Trait("Category", "Golden")]
    public void The_ranks_of_a_file_are_those_of_its_configuration(string name)
    {
        using var folder = AdapterFolder.Open(Golden.At("numerics", "adapters", "adalora", name.TrimEnd('/')));
        var map = RankMap.Of(folder);
        var config = Assert.IsType<AdaLoraConfig>(folder.Config);
        Assert.Equal(config.RankPattern!.Values.Sum(kept => kept.Count(k => k)), map.Total);
        Assert.Equal(config.RankPattern.Count, map.Count);
        Assert.Equal(config.RankPattern.Values.Max(kept => kept.Count(k => k)), map.Range.Most);
    }
}
