using LowRank.Training.Lecture.Choosing;
using LowRank.Training.Lecture.Laboratory;

namespace LowRank.Training.Lecture.Tuning;

/// <summary>S2: more data allows a higher rank, little memory asks for a lower one, a harder task for a higher one: what <c>advise</c> recommends. A harder task is one with more to learn in each row.</summary>
internal sealed class RankByNeed : IClaimCheck
{
    private const string Ample = "80GB", Little = "6GB";
    private const int FewRows = 900, ShortRow = 16, LongRow = 512;

    public string Id => "S2";

    public Figures Measure(LectureLaboratory laboratory) => new()
    {
        ["rank_500"] = Advised.Rank(Advised.SevenBillion, 500, Ample),
        ["rank_5000"] = Advised.Rank(Advised.SevenBillion, 5_000, Ample),
        ["rank_50000"] = Advised.Rank(Advised.SevenBillion, 50_000, Ample),
        ["little_gb"] = 6,
        ["rank_50000_little_memory"] = Advised.Rank(Advised.SevenBillion, 50_000, Little),
        ["few_rows"] = FewRows,
        ["short_row"] = ShortRow,
        ["rank_short_rows"] = Advised.Rank(laboratory.ModelPath, FewRows, Ample, length: ShortRow),
        ["long_row"] = LongRow,
        ["rank_long_rows"] = Advised.Rank(laboratory.ModelPath, FewRows, Ample, length: LongRow),
    };

    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["rank_500"] < figures["rank_5000"] && figures["rank_5000"] < figures["rank_50000"],
        exactly: figures["rank_50000_little_memory"] < figures["rank_50000"] && figures["rank_long_rows"] > figures["rank_short_rows"]);
}
