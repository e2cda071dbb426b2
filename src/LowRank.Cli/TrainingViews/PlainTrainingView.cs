using LowRank.Cli.Terminal;
using LowRank.Training.Events;

namespace LowRank.Cli.TrainingViews;

/// <summary>Lines for a file or a pipe: some steps, and everything else that happens.</summary>
internal sealed class PlainTrainingView(Screen screen) : TrainingView
{
    private const int StepLines = 25;

    protected override async Task RenderAsync(IAsyncEnumerable<TrainingEvent> events)
    {
        var text = new TrainingText(screen);
        var status = new TrainingStatus(window: int.MaxValue);
        await foreach (var e in events.ConfigureAwait(false))
        {
            status.Add(e);
            text.Show(e);
            if (e is StepCompleted step)
            {
                if (status.TakeForecast() is { } forecast) screen.Out.WriteLine(forecast);
                if (IsShown(step.Step, status.TotalSteps)) screen.Out.WriteLine(status.TakeLine());
            }
            screen.Out.Flush();
        }
    }

    // The first and the last step and about 25 between: enough to see a curve, however long the run is.
    private static bool IsShown(long step, long total) => step == 1 || step == total || step % Math.Max(1, total / StepLines) == 0;
}
