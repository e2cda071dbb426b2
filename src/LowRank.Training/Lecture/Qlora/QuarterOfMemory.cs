using LowRank.Training.Lecture.Laboratory;
using LowRank.Training.Lecture.Memory;

namespace LowRank.Training.Lecture.Qlora;

/// <summary>Q2: a model of 7 B takes 14 GB in 16 bits and 4 GB in 4 bits, a quarter.</summary>
internal sealed class QuarterOfMemory : IClaimCheck
{
    private const double SaidSixteen = 14, SaidFour = 4, SaidRatio = 4;

    public string Id => "Q2";

    public Figures Measure(LectureLaboratory laboratory)
    {
        double sixteen = SevenBillion.SixteenBitBytes, linear = SevenBillion.LinearNf4Bytes, rest = SevenBillion.UnquantizedBytes;
        return new Figures
        {
            ["said_sixteen_gb"] = SaidSixteen,
            ["sixteen_gb"] = sixteen / 1e9,
            ["said_four_gb"] = SaidFour,
            ["linear_gb"] = linear / 1e9,
            ["rest_gb"] = rest / 1e9,
            ["four_gb"] = (linear + rest) / 1e9,
            ["said_ratio"] = SaidRatio,
            ["ratio"] = sixteen / (linear + rest),
            ["linear_ratio"] = 2 * SevenBillion.Shape.LinearWeights / linear,
        };
    }

    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["sixteen_gb"].IsNear(figures["said_sixteen_gb"], 0.05) && figures["four_gb"].IsNear(figures["said_four_gb"], 0.05),
        exactly: figures["ratio"].IsNear(figures["said_ratio"], 0.02));
}
