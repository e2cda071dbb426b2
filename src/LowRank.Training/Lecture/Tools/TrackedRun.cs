using LowRank.Training.Lecture.Laboratory;

namespace LowRank.Training.Lecture.Tools;

/// <summary>Weights &amp; Biases records runs: what its offline file holds of a run, read back.</summary>
internal sealed class TrackedRun : IClaimCheck
{
    public string Id => "wandb";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var run = ToolRun.Of(laboratory);
        return new Figures
        {
            ["steps"] = run.Losses.Count,
            ["rows"] = run.HistoryRows,
            ["settings"] = run.TrackedSettings,
            ["loss_run"] = run.Losses[^1],
            ["loss_tracked"] = run.TrackedLoss,
            ["exit_code"] = run.ExitCode,
        };
    }

    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["rows"] == figures["steps"] && figures["loss_tracked"].IsNear(figures["loss_run"], 1e-6),
        exactly: figures["exit_code"] == 0 && figures["settings"] > 0);
}
