using System.Reflection;
using LowRank.Training.Comparison.Parts;

namespace LowRank.Training.Comparison;

/// <summary>Makes the figures of a comparison from its finished parts.</summary>
internal static class ComparisonSummary
{
    /// <summary>The figures.</summary>
    /// <param name="settings">The comparison's settings.</param>
    /// <param name="baseline">The base, or null where it could not be measured.</param>
    /// <param name="cells">The cells.</param>
    /// <param name="failures">What went wrong with the base.</param>
    public static ComparisonResult Of(ComparisonSettings settings, EvaluationMeasure? baseline, IReadOnlyList<CellRuns> cells, IReadOnlyList<string> failures)
    {
        CellResult[] results = [.. cells.Select(c => Of(c, baseline, cells.FirstOrDefault(f => f.Cell.IsFull && f.Cell.Settings == c.Cell.Full), settings.Optimization.Seed))];
        return new ComparisonResult
        {
            Version = typeof(ComparisonSummary).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown",
            Model = settings.Model.Model,
            Vary = settings.Comparison.Vary,
            Rows = baseline?.Rows ?? cells.SelectMany(c => c.Runs).FirstOrDefault().Evaluation?.Evaluation!.Rows ?? 0,
            Base = baseline is null ? null : new BaseResult
            {
                Loss = baseline.Loss,
                Accuracy = baseline.Answers is { Length: > 0 } ? Bootstrap.Mean(Rows([baseline]), settings.Optimization.Seed) : null,
                GeneralLoss = baseline.GeneralLoss,
                DecodeTokensPerSecond = baseline.DecodeTokensPerSecond,
            },
            Cells = results,
            Notes = [.. Notes(settings, results, cells.Any(c => c.Cell.Settings.Objective.IsPreference)), .. failures],
        };
    }

    private static CellResult Of(CellRuns runs, EvaluationMeasure? baseline, CellRuns? full, long seed)
    {
        var result = new CellResult { Name = runs.Cell.Name, Values = runs.Cell.Values, LearningRate = runs.LearningRate, Rates = runs.Trials, Failures = runs.Failures, IsRateAtEdge = IsAtEdge(runs) };
        if (runs.Runs.Count == 0) return result;
        TrainingMeasure[] trained = [.. runs.Runs.Select(r => r.Training.Training!)];
        EvaluationMeasure[] measured = [.. runs.Runs.Select(r => r.Evaluation.Evaluation!)];
        var planned = trained.Max(t => t.PlannedPeakBytes);
        return result with
        {
            Seeds = [.. runs.Runs.Select(r => r.Seed)],
            Bits = trained[0].Bits,
            TrainableParameters = trained[0].TrainableParameters,
            AllParameters = trained[0].AllParameters,
            PlannedPeakBytes = planned,
            MeasuredPeakBytes = trained.Max(t => t.MeasuredPeakBytes),
            TokensPerSecond = trained.Average(t => t.TokensPerSecond),
            DecodeTokensPerSecond = measured.Average(m => m.DecodeTokensPerSecond),
            TrainSeconds = trained.Average(t => t.Seconds),
            Loss = measured.Average(m => m.Loss),
            LossDeviation = Deviation([.. measured.Select(m => m.Loss)]),
            Accuracy = measured.All(m => m.Answers is { Length: > 0 }) ? Bootstrap.Mean(Rows(measured), seed) : null,
            GainKept = baseline is null || full is null || full.Runs.Count == 0 ? null : GainKept(measured, baseline, [.. full.Runs.Select(r => r.Evaluation.Evaluation!)], seed),
            Forgetting = baseline is null ? null : measured.Average(m => m.GeneralLoss) - baseline.GeneralLoss,
            SizeOnDisk = trained[0].SizeOnDisk,
            Warnings = [.. trained.SelectMany(t => t.Warnings).DistinctBy(w => w.Guard ?? w.Message).Select(w => w.Guard is null ? w.Message : $"{w.Message} [{w.Guard}]")],
            Fits = [.. MemoryTarget.All.Where(t => t.Holds(planned)).Select(t => t.Name)],
            Curve = [.. trained[0].Curve.Select((point, i) => Band(point.Step, [.. trained.Where(t => t.Curve.Count > i).Select(t => t.Curve[i].Loss)]))],
        };
    }

    private static bool IsAtEdge(CellRuns runs) => runs.Trials.Count > 1 && runs.LearningRate is { } rate && (rate == runs.Trials[0].LearningRate || rate == runs.Trials[^1].LearningRate);

    private static BandPoint Band(long step, double[] losses) => new(step, losses.Average(), losses.Min(), losses.Max());

    private static double? Deviation(double[] values)
    {
        if (values.Length < 2) return null;
        var mean = values.Average();
        return Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1));
    }

    private static Estimate? GainKept(EvaluationMeasure[] cell, EvaluationMeasure baseline, EvaluationMeasure[] full, long seed)
    {
        if (cell.Concat(full).Append(baseline).All(m => m.Answers is { Length: > 0 }))
            return Bootstrap.GainKept(Rows(cell), Rows([baseline]), Rows(full), seed) is { Value: var share } kept && double.IsFinite(share) ? kept : null;
        var (gain, reference) = (baseline.Loss - cell.Average(m => m.Loss), baseline.Loss - full.Average(m => m.Loss));
        return reference > 0 ? new Estimate(gain / reference) : null;
    }

    // The share of seeds that answered each row rightly.
    private static double[] Rows(IReadOnlyList<EvaluationMeasure> measured) =>
        [.. Enumerable.Range(0, measured[0].Answers!.Length).Select(row => measured.Average(m => m.Answers![row] == '1' ? 1.0 : 0.0))];

    private static IEnumerable<string> Notes(ComparisonSettings settings, IReadOnlyList<CellResult> cells, bool isPreference)
    {
        var (compare, seeds) = (settings.Comparison, settings.Comparison.Seeds);
        yield return compare.Test is null
            ? "Loss and accuracy are of the rows by which the learning rates were chosen; --test FILE measures them on others."
            : $"Learning rates were chosen on the rows of --validation, loss and accuracy measured on {Path.GetFileName(compare.Test)}.";
        if (isPreference)
            yield return "Rows are preferences: the loss is that of the better answers, per token, and right is the share of pairs whose better answer is the likelier one. Learning rates were chosen by each objective's own held-out loss; those of different objectives, and their curves, cannot be compared with each other.";
        if (cells.Any(c => c.Accuracy is not null)) yield return $"In brackets: 95 % intervals by the bootstrap over rows ({Bootstrap.Draws:N0} draws), the answers of {(seeds == 1 ? "one seed" : $"{seeds} seeds")} pooled.";
        foreach (var cell in cells.Where(c => c.IsRateAtEdge)) yield return $"{cell.Name}: its best learning rate is at the edge of those tried; a wider --lr-grid may find a better one.";
        foreach (var cell in cells.Where(c => c.Seeds.Count < seeds)) yield return $"{cell.Name}: {cell.Seeds.Count} of {seeds} seeds came to their end.";
        // What holds for every cell is of the data, and told once.
        foreach (var warning in cells.SelectMany(c => c.Warnings).Distinct())
        {
            CellResult[] own = [.. cells.Where(c => c.Warnings.Contains(warning))];
            yield return $"{(own.Length == cells.Count ? "all cells" : string.Join(", ", own.Select(c => c.Name)))}: {warning}";
        }
        foreach (var failure in cells.SelectMany(c => c.Failures)) yield return $"failed: {failure}";
    }
}
