using LowRank.Training.Lecture.Laboratory;
using LowRank.Training.Lecture.Tuning;

namespace LowRank.Training.Lecture.Choosing;

/// <summary>T3: alpha = r is stable: how far the loss climbs above what it had reached, beside larger alphas.</summary>
internal sealed class StableAlpha : IClaimCheck
{
    public string Id => "T3";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var runs = AlphaStrength.Runs(laboratory).ToDictionary(r => r.Name, r => r.Run, StringComparer.Ordinal);
        var large = Mistakes.AlphaMistake.Large(laboratory);
        return new Figures
        {
            ["first_loss"] = runs["equal"].Losses[0],
            ["rise_half"] = runs["half"].LargestRise(),
            ["rise_equal"] = runs["equal"].LargestRise(),
            ["rise_double"] = runs["double"].LargestRise(),
            ["rise_large"] = large.LargestRise(),
            ["large_factor"] = Mistakes.AlphaMistake.Factor,
        };
    }

    // Stable: five steps together never stand above the best five before by more than a tenth of the first loss.
    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["rise_equal"] <= 0.1 * figures["first_loss"] && figures["rise_equal"] <= figures["rise_large"],
        exactly: figures["rise_double"] > 0.1 * figures["first_loss"]);
}
