using LowRank.Training.Pictures;
using LowRank.Training.Runs;

namespace LowRank.Training.Reports;

/// <summary>The pictures of a report. A picture without at least two points is left out.</summary>
internal static class ReportCurves
{
    // More than there are pixels across: the rest would be drawn over each other.
    private const int MostPoints = 1500;

    /// <summary>All pictures of a run.</summary>
    public static IReadOnlyList<ReportBlock> Of(RunHistory run)
    {
        var blocks = new List<ReportBlock>();
        try
        {
            foreach (var (name, description, chart) in Charts(run))
                if (chart.Curves.Any(c => c.Ys.Count(double.IsFinite) > 1)) blocks.Add(new ReportPicture(name, description, chart.ToPng()));
        }
        catch (LowRankException error)
        {
            // A program may be without the native libraries that drawing needs: the rest of the report is worth having.
            blocks.Add(new ReportText($"The curves could not be drawn: {error.Message}"));
        }
        return blocks.Count > 0 ? blocks : [new ReportText("The run took too few steps for curves.")];
    }

    private static IEnumerable<(string Name, string Description, LineChart Chart)> Charts(RunHistory run)
    {
        yield return ("loss", "Training and held-out loss by step", Loss(run));
        yield return ("learning-rate", "Learning rate by step", Chart("Learning rate", "learning rate", ByStep("learning rate", run, s => s.LearningRate)));
        yield return ("memory", "Resident memory of the process by step", Memory(run));
        if (run.Machine.Any(m => m.Gpus.Count > 0)) yield return ("gpu-memory", "Memory in use on the GPUs by step", GpuMemory(run));
        yield return ("use", "Use of processors and GPUs by step", Use(run));
    }

    private static LineChart Loss(RunHistory run)
    {
        var window = Math.Max(1, run.Steps.Count / 40);
        var curves = new List<Curve> { ByStep("batch", run, s => s.Loss) };
        if (window > 1) curves.Add(Thinned($"mean of {window} steps", [.. run.Steps.Select(s => (double)s.Step)], Smoothed(run.Steps, window)));
        if (run.HeldOut.Count > 0) curves.Add(new Curve("held-out rows", [.. run.HeldOut.Select(h => (double)h.Step)], [.. run.HeldOut.Select(h => h.Loss)]));
        return Chart("Loss", "loss per token", [.. curves]);
    }

    private static LineChart Memory(RunHistory run)
    {
        var curves = new List<Curve> { ByStep("resident", run, s => s.ResidentMiB), ByStep("highest so far", run, s => s.PeakMiB) };
        if (run.PlannedMiB is { } planned && run.Steps.Count > 1) curves.Add(new Curve("planned peak", [run.Steps[0].Step, run.Steps[^1].Step], [planned, planned]));
        return Chart("Memory of the process", "MiB", [.. curves]);
    }

    private static LineChart GpuMemory(RunHistory run) =>
        Chart("Memory of the GPUs", "MiB in use", [.. Indices(run).Select(i => ByLook(Label(run, i), run, m => m.Gpus.FirstOrDefault(g => g.Index == i)?.UsedMiB))]);

    private static LineChart Use(RunHistory run) =>
        Chart("Use", "% of all", [ByLook("processors", run, m => m.ProcessorPercent), .. Indices(run).Select(i => ByLook(Label(run, i), run, m => m.Gpus.FirstOrDefault(g => g.Index == i)?.UtilisationPercent))]);

    private static int[] Indices(RunHistory run) => [.. run.Machine.SelectMany(m => m.Gpus).Select(g => g.Index).Distinct().Order()];

    private static string Label(RunHistory run, int index) => run.Machine.SelectMany(m => m.Gpus).Any(g => g.Index == index && g.IsOwn) ? $"GPU {index} (this run)" : $"GPU {index}";

    private static LineChart Chart(string title, string up, params Curve[] curves) => new() { Title = title, XLabel = "step", YLabel = up, Curves = [.. curves.Where(c => c.Ys.Any(double.IsFinite))] };

    private static Curve ByStep(string name, RunHistory run, Func<StepPoint, double> value) => Thinned(name, [.. run.Steps.Select(s => (double)s.Step)], [.. run.Steps.Select(value)]);

    private static Curve ByLook(string name, RunHistory run, Func<MachinePoint, double?> value) => Thinned(name, [.. run.Machine.Select(m => (double)m.Step)], [.. run.Machine.Select(m => value(m) ?? double.NaN)]);

    // The mean over a window by tokens, as the loss of a larger batch would be.
    private static double[] Smoothed(IReadOnlyList<StepPoint> steps, int window)
    {
        var smooth = new double[steps.Count];
        var (sum, tokens) = (0.0, 0L);
        for (var i = 0; i < steps.Count; i++)
        {
            if (double.IsFinite(steps[i].Loss)) (sum, tokens) = (sum + steps[i].Loss * steps[i].Terms, tokens + steps[i].Terms);
            if (i >= window && double.IsFinite(steps[i - window].Loss)) (sum, tokens) = (sum - steps[i - window].Loss * steps[i - window].Terms, tokens - steps[i - window].Terms);
            smooth[i] = tokens > 0 ? sum / tokens : double.NaN;
        }
        return smooth;
    }

    private static Curve Thinned(string name, double[] xs, double[] ys)
    {
        if (xs.Length <= MostPoints) return new Curve(name, xs, ys);
        int[] kept = [.. Enumerable.Range(0, MostPoints).Select(i => (int)((long)i * (xs.Length - 1) / (MostPoints - 1)))];
        return new Curve(name, [.. kept.Select(i => xs[i])], [.. kept.Select(i => ys[i])]);
    }
}
