namespace LowRank.Adapters.Initialization.Eva;

/// <summary>Shares out a budget of ranks among modules by the variance that their directions explain (arXiv:2410.07170, section 3.3; PEFT's <c>_get_rank_distribution</c>).</summary>
internal static class RankShares
{
    /// <summary>The rank of each module; 0 for one that gets none. Together they are the budget, or all directions that there are.</summary>
    /// <param name="modules">Each module with the one whose inputs it shares, itself where it does not, and the ratios of its directions, the largest first: as many as its rank may be at most.</param>
    /// <param name="budget">All ranks together.</param>
    /// <remarks>Of equal ratios, as of modules that share their inputs, those of the module that comes first count first; the module whose inputs others share has the highest rank of them.</remarks>
    public static Dictionary<string, int> Of(IReadOnlyList<(string Name, string Inputs, IReadOnlyList<float> Ratios)> modules, int budget)
    {
        var ranks = modules.ToDictionary(m => m.Name, _ => 0, StringComparer.Ordinal);
        // A stable sort: the order of the modules, and within one that of its directions, breaks ties.
        foreach (var (name, _) in modules.SelectMany(m => m.Ratios.Select(r => (m.Name, Ratio: r))).OrderByDescending(d => d.Ratio).Take(budget)) ranks[name]++;
        foreach (var (name, inputs, _) in modules)
            if (ranks[inputs] < ranks[name]) (ranks[inputs], ranks[name]) = (ranks[name], ranks[inputs]);
        return ranks;
    }
}
