using LowRank.Training.Lecture.Laboratory;

namespace LowRank.Training.Lecture.Memory;

/// <summary>M1: trainable parameters = (in × r + r × out) × modules, against adapters that are there.</summary>
internal sealed class TrainableFormula : IClaimCheck
{
    private static readonly (int Rank, string Target)[] Adapters = [(8, "qv"), (16, "qkv"), (16, "attention"), (32, "mlp"), (64, "all-linear")];

    public string Id => "M1";

    public Figures Measure(LectureLaboratory laboratory)
    {
        AdapterCount[] counts = [.. Adapters.Select(a => AdapterCount.Of(laboratory, a.Rank, a.Target))];
        return new Figures
        {
            ["adapters"] = counts.Length,
            ["equal"] = counts.Count(c => c.Formula == c.Counted),
            ["qv_formula"] = counts[0].Formula,
            ["qv_counted"] = counts[0].Counted,
            ["all_formula"] = counts[^1].Formula,
            ["all_counted"] = counts[^1].Counted,
        };
    }

    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(holds: figures["equal"] > 0, exactly: figures["equal"] == figures["adapters"]);
}
