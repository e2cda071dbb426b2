using LowRank.Training.Runs;

namespace LowRank.Training.Reports;

/// <summary>The part of a report that sets answers before the run beside those behind it.</summary>
internal static class ReportAnswers
{
    /// <summary>The answers, or how to get some.</summary>
    public static IReadOnlyList<ReportBlock> Of(RunHistory run)
    {
        var answered = run.HeldOut.Where(h => h.Samples.Count > 0).ToList();
        if (answered.Count == 0 && run.First.Count == 0)
        {
            var settings = run.Record.Settings;
            return [new ReportText(settings.Data.Validation is null
                ? "This run held no rows back, so there were no prompts to answer. With --validation 0.1 a tenth of the rows is held back; some of them are answered before the run and at each evaluation (--samples says how many)."
                : settings.Evaluation.Samples == 0 ? "--samples 0 asked for no answers; --samples 3 would have three held-out prompts answered before the run and at each evaluation."
                : "None of the held-out rows begins with a question that the model could be asked.")];
        }
        var blocks = new List<ReportBlock>();
        var (first, last) = (run.First.Count > 0 ? run.First : answered[0].Samples, answered.Count > 0 ? answered[^1].Samples : []);
        var (before, after) = (run.First.Count > 0 ? "before the run" : $"at step {answered[0].Step}", answered.Count > 0 ? $"at step {answered[^1].Step}" : "");
        foreach (var sample in last.Count > 0 ? last : first)
        {
            blocks.Add(new ReportQuote("asked", sample.Prompt));
            if (first.FirstOrDefault(f => f.Prompt == sample.Prompt) is { } earlier) blocks.Add(new ReportQuote($"answered {before}", earlier.Answer));
            if (last.Count > 0 && after != before) blocks.Add(new ReportQuote($"answered {after}", sample.Answer));
        }
        return blocks;
    }
}
