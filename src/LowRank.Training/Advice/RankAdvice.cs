using System.Globalization;
using LowRank.Training.Planning.Shapes;

namespace LowRank.Training.Advice;

/// <summary>The rank: by the number of examples, as the lecture has it, raised where an adapter of that rank could not hold what the data says.</summary>
internal static class RankAdvice
{
    /// <summary>What a trained parameter of a LoRA is found to hold, and what a learned token is taken to say, in bits (LoRA Without Regret).</summary>
    private const double BitsPerParameter = 2;

    private const double BitsPerToken = 1;

    private static readonly int[] Ranks = [8, 16, 32, 64, 128];

    /// <summary>The rank that the number of examples suggests.</summary>
    public static int ByExamples(long examples, string purpose) => (examples, purpose) switch
    {
        ( < 1000, _) => 8,
        ( <= 10_000, "production") => 32,
        ( <= 10_000, _) => 16,
        (_, "production") => 128,
        _ => 64,
    };

    /// <summary>The rank, with its reason.</summary>
    /// <param name="examples">Rows.</param>
    /// <param name="supervisedTokens">Learned tokens of one epoch.</param>
    /// <param name="purpose">What the model is for.</param>
    /// <param name="adapter">The adapter of a rank.</param>
    /// <param name="fits">Whether a rank fits in memory.</param>
    public static AdvisedChoice Of(long examples, double supervisedTokens, string purpose, Func<int, AdapterShape> adapter, Func<int, bool> fits)
    {
        var start = ByExamples(examples, purpose);
        var rank = Ranks.FirstOrDefault(r => r >= start && Holds(adapter(r), supervisedTokens), Ranks[^1]);
        var raised = rank;
        while (rank > Ranks[0] && !fits(rank)) rank = Ranks[Array.IndexOf(Ranks, rank) - 1];
        var size = adapter(rank).TrainableParameters;
        var reason = string.Create(CultureInfo.InvariantCulture, $"{examples:N0} examples are {(examples < 1000 ? "few: a low rank overfits less" : examples <= 10_000 ? "a middling number" : "many: they can fill a high rank")}. Capacity: {size:N0} trained parameters hold about {BitsPerParameter * size / 1e6:0.0} Mbit, {supervisedTokens:N0} learned tokens say about {BitsPerToken * supervisedTokens / 1e6:0.0##} Mbit");
        reason += rank < raised ? $"; rank {raised} would be too much for the memory." : raised > start ? $", for which rank {start} is too low." : Holds(adapter(rank), supervisedTokens) ? ": enough." : ": not enough, but no higher rank is sensible.";
        return new("rank", rank.ToString(CultureInfo.InvariantCulture), reason, Sources.Both(Sources.Lecture("C3", "S2", "T2"), $"capacity: {Sources.WithoutRegret}"));
    }

    private static bool Holds(AdapterShape adapter, double tokens) => BitsPerParameter * adapter.TrainableParameters >= BitsPerToken * tokens;
}
