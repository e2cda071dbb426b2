using System.Globalization;
using LowRank.Cli.Inspection;
using LowRank.Cli.Terminal;
using LowRank.Training.Events;
using LowRank.Training.Reports;

namespace LowRank.Cli.TrainingViews;

/// <summary>The lines of a run that stay on the screen; steps are shown elsewhere.</summary>
internal sealed class TrainingText(Screen screen)
{
    private RunStarted? start;

    /// <summary>Prints an event, if it is one to keep.</summary>
    public void Show(TrainingEvent e)
    {
        switch (e)
        {
            case RunStarted started: Started(start = started); break;
            case StepCompleted { Step: 1 } first: screen.Out.WriteLine($"loss before the first step: {Quantity.Loss(first.Loss)}"); break;
            case AnswersSampled answers: Answers(answers.Samples); break;
            case EvaluationCompleted evaluation: Evaluated(evaluation); break;
            case CheckpointSaved saved: screen.Out.WriteLine($"checkpoint: {saved.Folder}"); break;
            case RunWarning { Id: { } id } guard: Lines($"warning: [{id}] {Printable.Of(guard.Message)} (--silence {id})"); break;
            case RunWarning warning: screen.Out.WriteLine($"warning: {Printable.Of(warning.Message)}"); break;
            case RunCompleted completed: Completed(completed); break;
        }
    }

    private void Started(RunStarted e)
    {
        // PEFT's print_trainable_parameters, word for word.
        screen.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"trainable params: {e.TrainableParameters:N0} || all params: {e.AllParameters:N0} || trainable%: {100.0 * e.TrainableParameters / Math.Max(1, e.AllParameters):0.0000}"));
        screen.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{e.Examples:N0} examples{(e.ValidationExamples > 0 ? $", {e.ValidationExamples:N0} held out" : "")}; {e.TotalSteps:N0} steps, {e.Epochs:0.##} epochs"));
        if (e.Step > 0) screen.Out.WriteLine($"resumed at step {Quantity.Count(e.Step)}");
        if (e.PredictedPeakBytes is { } predicted) screen.Out.WriteLine($"expected peak memory: {Quantity.Bytes(predicted)}");
        foreach (var choice in e.Choices) Lines($"chosen: {choice}");
        if (e.FirstExample.Count == 0) return;
        screen.Out.WriteLine($"\nthe first example ({MarkedText.Legend(screen)}):");
        MarkedText.Write(screen, e.FirstExample);
        screen.Out.WriteLine();
    }

    private void Evaluated(EvaluationCompleted e)
    {
        var figure = e.Preference is { Kl: { } kl } answers ? string.Create(CultureInfo.InvariantCulture, $"{Quantity.Percent(answers.Accuracy)} of {answers.Count} answers judged rightly, margin {answers.Margin:0.###}, KL {kl:0.###}")
            : e.Preference is { } judged ? string.Create(CultureInfo.InvariantCulture, $"{Quantity.Percent(judged.Accuracy)} of {judged.Pairs} pairs preferred rightly, margin {judged.Margin:0.###}") : string.Create(CultureInfo.InvariantCulture, $"perplexity {e.Perplexity:0.###}");
        screen.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"held-out loss {Quantity.Loss(e.Loss)}, {figure} at step {e.Step}{(e.IsBest ? " (best)" : "")}"));
        Answers(e.Samples);
    }

    private void Answers(IReadOnlyList<(string Prompt, string Answer)> samples)
    {
        foreach (var (prompt, answer) in samples)
        {
            screen.Out.WriteLine($"  asked:    {OneLine(prompt)}");
            screen.Out.WriteLine($"  answered: {OneLine(answer)}");
        }
    }

    private void Completed(RunCompleted e)
    {
        var why = e.End switch { RunEnd.Finished => "finished", RunEnd.StoppedEarly => "stopped early, the held-out loss no longer fell;", _ => "stopped" };
        screen.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{why} after step {e.Step}: {Quantity.Time(e.Elapsed)}, {e.TokensPerSecond:N0} tokens/s"));
        screen.Out.WriteLine($"train loss {Quantity.Loss(e.TrainLoss)}{(e.BestValidationLoss is { } best ? $", best held-out loss {Quantity.Loss(best)}" : "")}");
        screen.Out.WriteLine($"peak memory {Quantity.Bytes(e.PeakBytes)}{Compared(e.PeakBytes, e.PredictedPeakBytes ?? start?.PredictedPeakBytes)}");
        if (e.End != RunEnd.Cancelled && Path.Combine(e.Folder, RunReport.HtmlFile) is var page && File.Exists(page)) Lines($"report: {page}");
        Lines(e.End == RunEnd.Cancelled ? $"go on with: lowrank train --resume {e.Folder}" : $"saved in {e.Folder}");
    }

    private static string Compared(long measured, long? predicted) => predicted is not { } expected ? "" : string.Create(CultureInfo.InvariantCulture,
        $", expected {Quantity.Bytes(expected)} ({100.0 * (measured - expected) / Math.Max(1, expected):+0.0;-0.0} %)");

    private void Lines(string text)
    {
        foreach (var line in TextWrap.Lines(text, screen.Columns ?? int.MaxValue)) screen.Out.WriteLine(line);
    }

    private static string OneLine(string text) => Printable.Of(text.Trim()).ReplaceLineEndings("⏎");
}
