using LowRank.Training.Lecture.Laboratory;
using LowRank.Training.Lecture.Tuning;

namespace LowRank.Training.Lecture.Choosing;

/// <summary>T2: start with a small rank, 8, then 16, then 32: what each doubling brings, and what it costs.</summary>
internal sealed class SmallRankFirst : IClaimCheck
{
    public string Id => "T2";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var before = MainRuns.Base(laboratory).HeldOutLoss;
        Experiment[] runs = [.. ((int[])[8, 16, 32]).Select(r => RankStrength.Of(laboratory, r))];
        var best = before - runs.Min(r => r.HeldOutLoss);
        return new Figures
        {
            ["gain_rank_8"] = (before - runs[0].HeldOutLoss) / best,
            ["gain_rank_16"] = (before - runs[1].HeldOutLoss) / best,
            ["gain_rank_32"] = (before - runs[2].HeldOutLoss) / best,
            ["trained_mb_rank_8"] = runs[0].TrainedBytes / 1e6,
            ["trained_mb_rank_32"] = runs[2].TrainedBytes / 1e6,
        };
    }

    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["gain_rank_8"] >= 0.8 && figures["trained_mb_rank_8"] < figures["trained_mb_rank_32"],
        exactly: figures["gain_rank_8"] >= 0.95);
}
