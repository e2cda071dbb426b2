using LowRank.Training.Lecture.Content;
using LowRank.Training.Lecture.Laboratory;
using LowRank.Training.Pictures;

namespace LowRank.Training.Lecture.Tuning;

/// <summary>S3: alpha = r is normal, 2r strong, r/2 weak: three runs on few rows, long enough to overfit, with their validation gaps.</summary>
internal sealed class AlphaStrength : IClaimCheck, IPicturedClaim
{
    // Few rows and a rate at which the slowest run is still on its way at a third of the steps.
    private const int Rank = 16, Rows = 96;

    public string Id => "S3";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var figures = new Figures { ["rows"] = Rows, ["steps"] = Runs(laboratory)[0].Run.Losses.Count };
        foreach (var (name, run) in Runs(laboratory))
        {
            figures[$"early_loss_{name}"] = run.MeanLoss(0, 1.0 / 3);
            figures[$"final_loss_{name}"] = run.MeanLoss(0.9, 1);
            figures[$"held_out_{name}"] = run.HeldOutLoss;
            figures[$"gap_{name}"] = run.Gap;
        }
        return figures;
    }

    // Fast: a lower loss in the first third. Overfitting: a larger gap at the end.
    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["early_loss_double"] < figures["early_loss_equal"] && figures["early_loss_equal"] < figures["early_loss_half"],
        exactly: figures["gap_double"] > figures["gap_equal"] && figures["gap_equal"] > figures["gap_half"]);

    public Picture Draw(LectureLaboratory laboratory, PictureText text, LectureLanguage language) => new LineChart
    {
        Title = text.Title.In(language),
        XLabel = text.X!.In(language),
        YLabel = text.Y!.In(language),
        Curves = [.. Runs(laboratory).Select((r, i) => new Curve(text.Series[i].In(language), [.. Enumerable.Range(1, r.Run.Losses.Count).Select(n => (double)n)], Smooth(r.Run.Losses)))],
    };

    /// <summary>The runs of alpha r/2, r and 2r.</summary>
    internal static (string Name, Experiment Run)[] Runs(LectureLaboratory laboratory) =>
        [("half", Of(laboratory, Rank / 2)), ("equal", Of(laboratory, Rank)), ("double", Of(laboratory, 2 * Rank))];

    private static Experiment Of(LectureLaboratory laboratory, double alpha) =>
        laboratory.Train(new ExperimentSettings { Rank = Rank, Alpha = alpha, Rows = Rows, Steps = laboratory.ShortSteps, LearningRate = laboratory.IsTiny ? 2e-3 : 3e-4 });

    // The mean of three steps: a batch has 16 rows, and a curve of single ones is mostly their luck.
    private static double[] Smooth(IReadOnlyList<double> losses) =>
        [.. Enumerable.Range(0, losses.Count).Select(i => losses.Skip(Math.Max(0, i - 1)).Take(i == 0 ? 2 : 3).Average())];
}
