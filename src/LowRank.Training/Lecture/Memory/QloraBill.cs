using LowRank.Training.Lecture.Laboratory;

namespace LowRank.Training.Lecture.Memory;

/// <summary>M4: QLoRA on a model of 7 B: a quarter of 14 GB is 3.5 GB, with 16 MB about 4 GB. A quarter forgets the scales and what stays in 16 bits.</summary>
internal sealed class QloraBill : IClaimCheck
{
    private const double SaidModel = 3.5, SaidTotal = 4;

    public string Id => "M4";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var trainable = SevenBillion.Trainable(16, "qv");
        var model = SevenBillion.LinearNf4Bytes + SevenBillion.UnquantizedBytes;
        return new Figures
        {
            ["said_model_gb"] = SaidModel,
            ["linear_gb"] = SevenBillion.LinearNf4Bytes / 1e9,
            ["codes_gb"] = SevenBillion.Shape.LinearWeights / 2 / 1e9,
            ["unquantized_gb"] = SevenBillion.UnquantizedBytes / 1e9,
            ["model_gb"] = model / 1e9,
            ["trained_gb"] = trainable * LoraSize.TrainedBytes / 1e9,
            ["said_total_gb"] = SaidTotal,
            ["total_gb"] = (model + trainable * LoraSize.TrainedBytes) / 1e9,
        };
    }

    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["total_gb"].IsNear(figures["said_total_gb"], 0.05),
        exactly: figures["model_gb"].IsNear(figures["said_model_gb"], 0.02));
}
