using LowRank.Training.Lecture.Laboratory;

namespace LowRank.Training.Lecture.Tools;

/// <summary>LLaMA-Factory trains from settings without code: a file of its settings is read and run.</summary>
internal sealed class FactorySettings : IClaimCheck
{
    public string Id => "LLaMA-Factory";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var run = ToolRun.Of(laboratory);
        return new Figures
        {
            ["keys"] = run.Keys,
            ["carried"] = run.Carried,
            ["without_effect"] = run.WithoutEffect,
            ["unknown"] = run.Unknown,
            ["steps"] = run.Losses.Count,
            ["loss_first"] = run.Losses[0],
            ["loss_last"] = run.Losses[^1],
        };
    }

    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["unknown"] == 0 && figures["loss_last"] < figures["loss_first"],
        exactly: figures["carried"] + figures["without_effect"] >= figures["keys"]);
}
