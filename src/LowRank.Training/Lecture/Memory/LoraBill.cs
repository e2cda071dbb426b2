using LowRank.Training.Lecture.Laboratory;

namespace LowRank.Training.Lecture.Memory;

/// <summary>M3: LoRA on a model of 7 B: 14 GB + 16 MB + 32 MB ≈ 14.05 GB. The exact bill has gradients too, and fp32 for what is trained.</summary>
internal sealed class LoraBill : IClaimCheck
{
    private const double SaidAdapter = 16, SaidOptimizer = 32, SaidTotal = 14.05;

    public string Id => "M3";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var trainable = SevenBillion.Trainable(16, "qv");
        return new Figures
        {
            ["said_total_gb"] = SaidTotal,
            ["model_gb"] = SevenBillion.SixteenBitBytes / 1e9,
            ["said_adapter_mb"] = SaidAdapter,
            ["adapter_mb"] = trainable * 4 / 1e6,
            ["gradients_mb"] = trainable * 4 / 1e6,
            ["said_optimizer_mb"] = SaidOptimizer,
            ["optimizer_mb"] = trainable * 8 / 1e6,
            ["bf16_adapter_mb"] = trainable * 2 / 1e6,
            ["rank_8_adapter_mb"] = trainable * 2 / 1e6,
            ["total_gb"] = (SevenBillion.SixteenBitBytes + trainable * LoraSize.TrainedBytes) / 1e9,
        };
    }

    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["total_gb"].IsNear(figures["said_total_gb"], 0.05),
        exactly: figures["adapter_mb"].IsNear(figures["said_adapter_mb"], 0.05) && figures["optimizer_mb"].IsNear(figures["said_optimizer_mb"], 0.05));
}
