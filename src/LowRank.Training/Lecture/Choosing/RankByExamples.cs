using LowRank.Training.Lecture.Laboratory;

namespace LowRank.Training.Lecture.Choosing;

/// <summary>C3: under 1,000 examples rank 8, to 10,000 16 or 32, above 64 or 128: what <c>advise</c> recommends, with the capacity rule that may raise it.</summary>
internal sealed class RankByExamples : IClaimCheck
{
    private const string Ample = "80GB";

    public string Id => "C3";

    public Figures Measure(LectureLaboratory laboratory) => new()
    {
        ["rank_500"] = Advised.Rank(Advised.SevenBillion, 500, Ample),
        ["rank_5000"] = Advised.Rank(Advised.SevenBillion, 5_000, Ample),
        ["rank_5000_production"] = Advised.Rank(Advised.SevenBillion, 5_000, Ample, "production"),
        ["rank_20000"] = Advised.Rank(Advised.SevenBillion, 20_000, Ample),
        ["rank_20000_production"] = Advised.Rank(Advised.SevenBillion, 20_000, Ample, "production"),
        ["small_model_rank_900"] = Advised.Rank(laboratory.ModelPath, 900, Ample, length: 512),
    };

    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["rank_500"] == 8 && figures["rank_5000"] is 16 or 32 && figures["rank_20000"] is 64 or 128,
        exactly: figures["small_model_rank_900"] == 8);
}
