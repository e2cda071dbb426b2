using LowRank.Training.Lecture.Laboratory;
using LowRank.Training.Lecture.Memory;

namespace LowRank.Training.Lecture.Principle;

/// <summary>P3: 16 M parameters of a 4096×4096 matrix become 65 K at rank 8, 250 times fewer. The formula is checked against an adapter that is there.</summary>
internal sealed class FewerParameters : IClaimCheck
{
    private const long Width = 4096, Rank = 8, SaidRatio = 250;

    public string Id => "P3";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var counted = AdapterCount.Of(laboratory, (int)Rank, "all-linear");
        return new Figures
        {
            ["matrix"] = Width * Width,
            ["pair"] = LoraSize.Pair(Width, Width, Rank),
            ["ratio"] = (double)(Width * Width) / LoraSize.Pair(Width, Width, Rank),
            ["said_ratio"] = SaidRatio,
            ["adapter_formula"] = counted.Formula,
            ["adapter_counted"] = counted.Counted,
        };
    }

    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["adapter_counted"] == figures["adapter_formula"] && figures["ratio"].IsNear(figures["said_ratio"], 0.05),
        exactly: Math.Abs(figures["ratio"] - figures["said_ratio"]) < 0.5);
}
