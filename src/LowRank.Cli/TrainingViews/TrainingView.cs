using LowRank.Cli.Terminal;
using LowRank.Training.Events;

namespace LowRank.Cli.TrainingViews;

/// <summary>Shows a run while it goes on.</summary>
internal abstract class TrainingView
{
    /// <summary>The view that fits: JSON lines, a live display on a terminal, or plain lines.</summary>
    public static TrainingView For(Screen screen, bool json) => json ? new JsonTrainingView(screen) : screen.IsLive ? new LiveTrainingView(screen) : new PlainTrainingView(screen);

    /// <summary>Shows all events of a run.</summary>
    /// <returns>The exit code: a run that was stopped can be resumed, but is not done.</returns>
    public async Task<int> ShowAsync(IAsyncEnumerable<TrainingEvent> events)
    {
        var code = ExitCode.Failed;
        await RenderAsync(Watched()).ConfigureAwait(false);
        return code;

        async IAsyncEnumerable<TrainingEvent> Watched()
        {
            await foreach (var e in events.ConfigureAwait(false))
            {
                if (e is RunCompleted end) code = end.End == RunEnd.Cancelled ? ExitCode.Interrupted : ExitCode.Done;
                yield return e;
            }
        }
    }

    /// <summary>Renders the events.</summary>
    protected abstract Task RenderAsync(IAsyncEnumerable<TrainingEvent> events);
}
