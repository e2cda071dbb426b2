using LowRank.Training.Lecture.Laboratory;

namespace LowRank.Training.Lecture.Memory;

/// <summary>M2: Llama-7B at rank 16 on q and v: 4 M parameters, 0.06 %. That counts one of the two matrices, or is rank 8.</summary>
internal sealed class QueryValueCount : IClaimCheck
{
    private const double Said = 4e6;

    public string Id => "M2";

    public Figures Measure(LectureLaboratory laboratory)
    {
        long sixteen = SevenBillion.Trainable(16, "qv"), eight = SevenBillion.Trainable(8, "qv");
        return new Figures
        {
            ["said"] = Said,
            ["one_matrix"] = sixteen / 2,
            ["rank_16"] = sixteen,
            ["rank_16_share"] = (double)sixteen / (SevenBillion.Parameters + sixteen),
            ["rank_8"] = eight,
            ["rank_8_share"] = (double)eight / (SevenBillion.Parameters + eight),
        };
    }

    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["one_matrix"].IsNear(figures["said"], 0.05) || figures["rank_8"].IsNear(figures["said"], 0.05),
        exactly: figures["rank_16"].IsNear(figures["said"], 0.05));
}
