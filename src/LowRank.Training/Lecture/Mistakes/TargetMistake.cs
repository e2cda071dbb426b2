using LowRank.Training.Guards;
using LowRank.Training.Lecture.Laboratory;
using LowRank.Training.Lecture.Memory;

namespace LowRank.Training.Lecture.Mistakes;

/// <summary>E4: all layers without need cost memory: Llama-2-7B on few rows and on many, and what all layers cost it.</summary>
internal sealed class TargetMistake : IClaimCheck
{
    private const int Rank = 16, FewRows = 64, EnoughRows = 400;

    public string Id => "E4";

    public Figures Measure(LectureLaboratory laboratory)
    {
        long all = SevenBillion.Trainable(Rank, "all-linear") * LoraSize.TrainedBytes, qv = SevenBillion.Trainable(Rank, "qv") * LoraSize.TrainedBytes;
        bool Speaks(string target, int rows) => new TargetsExceedNeed().Before(GuardedExamples.OfSevenBillion(laboratory, Rank, target, rows)) is not null;
        return new Figures
        {
            ["few_rows"] = FewRows,
            ["enough_rows"] = EnoughRows,
            ["guard_few"] = Speaks("all-linear", FewRows) ? 1 : 0,
            ["guard_enough"] = Speaks("all-linear", EnoughRows) ? 1 : 0,
            ["guard_qv"] = Speaks("qv", FewRows) ? 1 : 0,
            ["all_mb"] = all / 1e6,
            ["qv_mb"] = qv / 1e6,
            ["extra_share_lora"] = (double)(all - qv) / (SevenBillion.SixteenBitBytes + qv),
            ["extra_share_qlora"] = (double)(all - qv) / (SevenBillion.LinearNf4Bytes + SevenBillion.UnquantizedBytes + qv),
        };
    }

    // A cost worth a mistake's name: a twentieth of all memory.
    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["guard_few"] == 1 && figures["guard_enough"] == 0 && figures["guard_qv"] == 0 && figures["all_mb"] > figures["qv_mb"],
        exactly: figures["extra_share_lora"] >= 0.05);
}
