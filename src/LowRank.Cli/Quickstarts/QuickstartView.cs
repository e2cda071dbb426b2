using System.Globalization;
using LowRank.Cli.Terminal;
using LowRank.Cli.TrainingViews;
using LowRank.Training.Events;
using LowRank.Training.Quickstart;

namespace LowRank.Cli.Quickstarts;

/// <summary>Shows a quickstart as numbered stations, or at its end as JSON.</summary>
internal sealed class QuickstartView(Screen screen, bool json)
{
    private QuickstartMeasured? before;
    private int station;

    /// <summary>Shows all of it.</summary>
    /// <returns>Its result.</returns>
    public async Task<QuickstartCompleted> ShowAsync(IAsyncEnumerable<QuickstartEvent> events)
    {
        QuickstartCompleted? result = null;
        await using var each = events.GetAsyncEnumerator();
        for (var isThere = await each.MoveNextAsync().ConfigureAwait(false); isThere;)
        {
            if (each.Current is QuickstartTraining && !json)
            {
                // The view of train shows these; the first event that is not of the training is then the current one.
                Station("Training");
                await TrainingView.For(screen, json: false).ShowAsync(Training()).ConfigureAwait(false);
                continue;
            }
            result = each.Current as QuickstartCompleted;
            if (!json) Show(each.Current);
            screen.Out.Flush();
            isThere = await each.MoveNextAsync().ConfigureAwait(false);

            async IAsyncEnumerable<TrainingEvent> Training()
            {
                while (isThere && each.Current is QuickstartTraining training)
                {
                    yield return training.Event;
                    isThere = await each.MoveNextAsync().ConfigureAwait(false);
                }
            }
        }
        if (json) screen.Json(Numbers(result!));
        return result!;
    }

    private void Show(QuickstartEvent e)
    {
        switch (e)
        {
            case QuickstartPlanned planned: Planned(planned); break;
            case QuickstartMeasured { IsTrained: false } measured: Before(before = measured); break;
            case QuickstartMeasured measured: After(measured); break;
            case QuickstartCompleted completed: Completed(completed); break;
        }
    }

    private void Planned(QuickstartPlanned e)
    {
        var (settings, memory) = (e.Settings, e.Memory);
        Station("Plan");
        screen.Fields(
        [
            ("model", string.Create(CultureInfo.InvariantCulture, $"{Short(settings.Model.Model)} ({e.Family}, {e.BaseParameters / 1e6:0.0} M parameters)")),
            ("task", $"answer a message with one of {e.Answers} words: {e.Rows} rows to learn, {e.HeldOut} others held out"),
            ("adapter", string.Create(CultureInfo.InvariantCulture, $"LoRA of rank {settings.Adapter.Rank} on {settings.Adapter.Target}, {Quantity.Count(e.TrainableParameters)} parameters ({Quantity.Percent((double)e.TrainableParameters / (e.BaseParameters + e.TrainableParameters))} of all)")),
            ("training", string.Create(CultureInfo.InvariantCulture, $"{settings.Optimization.MaxSteps} steps of {settings.Optimization.Batch} rows, learning rate {settings.Optimization.LearningRate:g3}, {settings.Model.Threads} {(settings.Model.Threads == 1 ? "thread" : "threads")}")),
            ("memory", $"{Quantity.Bytes(memory.Total)} at the peak: program {Quantity.Bytes(memory.Runtime.Bytes)}, base {Quantity.Bytes(memory.Base.Bytes)}, adapter with gradients and moments {Quantity.Bytes(memory.Adapter.Bytes + memory.Gradients.Bytes + memory.Optimizer.Bytes)}, activations {Quantity.Bytes(memory.Total - memory.FixedBytes)}"),
        ], indent: 2);
    }

    private void Before(QuickstartMeasured e)
    {
        Station("Before training");
        screen.Out.WriteLine($"  {Share(e)} of the held-out rows answered exactly");
    }

    private void After(QuickstartMeasured e)
    {
        Station("After training");
        screen.Out.WriteLine($"  {Share(e)} of the held-out rows answered exactly");
        screen.Out.Write("  accuracy ");
        screen.Write($"{Quantity.Percent(before!.Result.Accuracy)} → {Quantity.Percent(e.Result.Accuracy)}", "green bold");
        screen.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $" ({100 * (e.Result.Accuracy - before.Result.Accuracy):+0.0;-0.0} points)"));
    }

    private void Completed(QuickstartCompleted e)
    {
        Station("Answers before and after");
        foreach (var answer in e.Answers)
        {
            screen.Fields([("question", OneLine(answer.Question)), ("expected", OneLine(answer.Expected)), ("before", OneLine(answer.Before)), ("after", OneLine(answer.After))], indent: 2);
            screen.Out.WriteLine();
        }
        Station("Memory", isFirstLine: false);
        screen.Out.WriteLine($"  planned {Quantity.Bytes(e.Training.PredictedPeakBytes ?? 0)}, measured {Quantity.Bytes(e.Training.PeakBytes)}");
        Station("The saved adapter");
        foreach (var line in TextWrap.Lines(e.IsReloadedEqual
            ? "Loaded into a fresh model, it gives the same answer to every held-out question."
            : "Loaded into a fresh model, it gives OTHER answers than the trained one. This is a defect: report it.", screen.HelpWidth, indent: 2)) screen.Out.WriteLine(line);
        screen.Out.WriteLine($"  {e.Folder}");
        screen.Out.WriteLine($"\nDone in {Quantity.Time(e.Elapsed)}.");
    }

    private void Station(string title, bool isFirstLine = true)
    {
        if (isFirstLine && station > 0) screen.Out.WriteLine();
        screen.Write($"{++station}  {title}", "bold");
        screen.Out.WriteLine();
    }

    // A path as seen from here, where that is shorter.
    private static string Short(string model) => Path.Exists(model) && Path.GetRelativePath(".", model) is var near && near.Length < model.Length ? near : model;

    private static string Share(QuickstartMeasured e) => $"{e.Result.Correct} of {e.Result.Rows} ({Quantity.Percent(e.Result.Accuracy)})";

    private static string OneLine(string text) => Printable.Of(text.Trim()).ReplaceLineEndings(" ⏎ ");

    private static object Numbers(QuickstartCompleted e) => new
    {
        e.AccuracyBefore,
        e.AccuracyAfter,
        PlannedPeakBytes = e.Training.PredictedPeakBytes,
        MeasuredPeakBytes = e.Training.PeakBytes,
        e.IsReloadedEqual,
        e.Answers,
        TrainingSeconds = e.Training.Elapsed.TotalSeconds,
        Seconds = e.Elapsed.TotalSeconds,
        e.Folder,
    };
}
