namespace LowRank.Adapters.Combining;

/// <summary>The numbers of an adapter whose update is B A itself: alpha is the rank, for every module.</summary>
internal static class UnitScaling
{
    /// <summary>Gives a configuration the modules' ranks; where they differ, single modules get patterns of their own.</summary>
    public static LoraConfig With(LoraConfig config, IReadOnlyList<(string Module, int Rank)> ranks)
    {
        var rank = ranks.Max(r => r.Rank);
        var other = ranks.Where(r => r.Rank != rank).Select(r => r.Module).ToHashSet(StringComparer.Ordinal);
        OrderedDictionary<string, int> pattern = [];
        // A key takes every name that ends in a dot and it. Longer names come first, so each module meets its own.
        foreach (var (module, own) in ranks.OrderByDescending(r => r.Module.Length))
            if (other.Contains(module) || other.Any(o => TargetMatcher.Matches(o, module))) pattern.Add(module, own);
        return config with
        {
            Rank = rank,
            Alpha = rank,
            UseRslora = false,
            RankPattern = pattern,
            AlphaPattern = new OrderedDictionary<string, double>(pattern.Select(p => KeyValuePair.Create(p.Key, (double)p.Value))),
        };
    }
}
