using LowRank.Adapters;
using LowRank.Training.Lecture.Content;
using LowRank.Training.Lecture.Laboratory;
using LowRank.Training.Methods;
using LowRank.Training.Pictures;

namespace LowRank.Training.Lecture.Advanced;

/// <summary>A2: AdaLoRA adapts the rank as it trains (arXiv:2303.10512): every module begins with the same, and ends with what it was left.</summary>
internal sealed class SharedRanks : IClaimCheck, IPicturedClaim
{
    private const int Rank = 8;

    public string Id => "A2";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var (adaLora, map) = Run(laboratory);
        var lora = laboratory.Train(MainRuns.LoraSettings with { Rank = Rank });
        return new Figures
        {
            ["steps"] = adaLora.Losses.Count,
            ["modules"] = map.Count,
            ["rank_begin"] = (3 * Rank + 1) / 2,
            ["rank_mean"] = (double)map.Total / map.Count,
            ["rank_asked"] = Rank,
            ["rank_least"] = map.Range.Least,
            ["rank_most"] = map.Range.Most,
            ["held_out_adalora"] = adaLora.HeldOutLoss,
            ["held_out_lora"] = lora.HeldOutLoss,
        };
    }

    // The ranks are adapted where they differ and keep to the budget; it is worth it where the loss is no higher than with the same rank for all.
    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["rank_most"] > figures["rank_least"] && Math.Abs(figures["rank_mean"] - figures["rank_asked"]) < 0.5,
        exactly: figures["held_out_adalora"] <= figures["held_out_lora"]);

    public Picture Draw(LectureLaboratory laboratory, PictureText text, LectureLanguage language) =>
        RankPicture.Of(Run(laboratory).Map, text.Title.In(language), text.Y!.In(language)) with { XLabel = text.X!.In(language) };

    private static (Experiment Experiment, RankMap Map) Run(LectureLaboratory laboratory) => laboratory.Once("adalora", () =>
        laboratory.Train(MainRuns.LoraSettings with { Variant = "adalora", Rank = Rank }, (_, weights) => RankMap.Of(
        [
            .. ((LoraWeights)weights).Adapter.AdaLoraModules.Select(m => (m.A.Name[..m.A.Name.LastIndexOf('.')], m.Rank)),
        ])));
}
