using System.Globalization;
using LowRank.Training.Data;
using LowRank.Training.Planning.Reports;

namespace LowRank.Training.Advice;

/// <summary>Alpha, learning rate, epochs, batch and length.</summary>
internal static class TrainingAdvice
{
    private const double FullRate = 2e-5;
    private const int Effective = 16;
    private const int FewestSteps = 100;

    /// <summary>Alpha is the rank.</summary>
    public static AdvisedChoice Alpha(int rank) => new("alpha", Text($"{rank}"), "alpha = r is a scaling of 1: the update counts as it is. 2r learns faster and overfits sooner, r/2 is slower and calmer.", Sources.Both(Sources.Lecture("S3", "T3"), Sources.Peft));

    /// <summary>The passes over the data.</summary>
    public static AdvisedChoice Epochs(long examples)
    {
        var epochs = examples <= 10_000 ? 3 : examples <= 50_000 ? 2 : 1;
        return new("epochs", Text($"{epochs}"), Text($"{examples:N0} examples: {(epochs == 3 ? "few enough to be seen three times; the held-out loss shows when it is too much" : epochs == 2 ? "twice" : "so many that once suffices")}."), Sources.Both(Sources.Alpaca, Sources.Qlora));
    }

    /// <summary>Rows of a step: 16, less for few rows, so that there are steps to learn in.</summary>
    public static int StepRows(long examples, double epochs)
    {
        var rows = Effective;
        while (rows > 4 && examples * epochs / rows < FewestSteps) rows /= 2;
        return rows;
    }

    /// <summary>Rows at once, and how often before a step.</summary>
    /// <param name="rows">Rows of a step.</param>
    /// <param name="atOnce">Rows of them that fit at once.</param>
    /// <param name="steps">Steps of the run.</param>
    /// <param name="isKept">Whether all activations are kept.</param>
    public static IEnumerable<AdvisedChoice> Batch(int rows, int atOnce, long steps, bool isKept)
    {
        yield return new("batch", Text($"{atOnce}"), Text($"the most of {rows} rows a step that go through the model at once in 80 % of the memory, {(isKept ? "without computing activations again" : "with activations computed again (checkpointing auto)")}."), Sources.Both("the plan", Sources.Lecture("T5")));
        yield return new("accumulate", Text($"{rows / atOnce}"), Text($"{rows} rows a step, {steps:N0} steps in all: LoRA suffers more from large batches than full fine-tuning, and few rows need small ones to have steps to learn in."), Sources.Both(Sources.Qlora, Sources.WithoutRegret));
    }

    /// <summary>The learning rate: ten times full fine-tuning's, half of it for very large models, more for a short run of a small one.</summary>
    public static AdvisedChoice LearningRate(long parameters, long steps)
    {
        if (parameters > 30_000_000_000) return new("learning-rate", "1e-4", Text($"half of the usual 2e-4 for a model of more than 30 G parameters, about {1e-4 / (FullRate / 2):0} times full fine-tuning's."), Sources.Qlora);
        if (parameters < 1_000_000_000 && steps < 200)
            return new("learning-rate", "1e-3", Text($"a short run ({steps} steps) of a small model needs more than the usual 2e-4: on CLINC, 50 steps of SmolLM2-135M reach 96 % at 1e-3 and 33 % at 2e-4 with PEFT. Raise --warmup if the loss jumps."), Sources.Both("measured with PEFT", Sources.WithoutRegret));
        return new("learning-rate", "2e-4", Text($"about 10 times full fine-tuning's {FullRate:0e-0}: the adapter begins at zero and moves few directions."), Sources.Both(Sources.WithoutRegret, Sources.Qlora));
    }

    /// <summary>The length: that of the longest row where it is no outlier, else that which nineteen rows of twenty do not exceed.</summary>
    public static AdvisedChoice Length(PlannedData data, int fallback, long maxPositions, Func<int, bool> fits)
    {
        if (data.Statistics is not { } s)
        {
            var assumed = (int)Math.Min(data.LongestRow ?? fallback, maxPositions);
            return new("max-length", Text($"{assumed}"), data.Origin.StartsWith("--", StringComparison.Ordinal) ? "as given; with --data FILE the rows decide." : $"the longest row, {data.Origin}.", "the data");
        }
        var longest = (int)Math.Min(s.MaxLength, maxPositions);
        var most = RoundUp(s.Percentile95Length, maxPositions);
        var percentiles = Text($"half of the rows have up to {s.MedianLength} tokens, 95 % up to {s.Percentile95Length}, the longest {s.MaxLength}");
        if (longest <= 2 * s.Percentile95Length && fits(longest)) return new("max-length", Text($"{longest}"), $"{percentiles}: nothing is cut.", "the data");
        return new("max-length", Text($"{most}"), $"{percentiles}: the few longest rows would widen their batches to no use{(fits(longest) ? "" : ", and do not fit in the memory")}; what is cut is counted and told.", "the data");
    }

    private static int RoundUp(int tokens, long limit) => (int)Math.Min((tokens + 15) / 16 * 16, limit);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
