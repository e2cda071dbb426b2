using System.Globalization;
using LowRank.Cli.Terminal;
using LowRank.Training.Events;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace LowRank.Cli.TrainingViews;

/// <summary>Two lines at the foot of a terminal that follow the run, and above them what stays. They fit 60 columns.</summary>
internal sealed class LiveTrainingView(Screen screen) : TrainingView
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    protected override async Task RenderAsync(IAsyncEnumerable<TrainingEvent> events)
    {
        var status = new TrainingStatus(window: 10);
        await screen.Console.Live(Foot(status)).AutoClear(true).StartAsync(async live =>
        {
            // What stays goes through the console with the live display, which moves the foot down.
            var kept = new StringWriter();
            var text = new TrainingText(new Screen { Out = kept, Error = screen.Error, IsLive = true, Colors = screen.Colors, Columns = screen.Columns });
            var drawn = 0L;
            await foreach (var e in events.ConfigureAwait(false))
            {
                status.Add(e);
                text.Show(e);
                if (status.TakeForecast() is { } forecast) kept.WriteLine(forecast);
                if (kept.GetStringBuilder() is { Length: > 0 } lines)
                {
                    // The cursor stands on the foot: what is longer than the new lines would stay.
                    screen.Console.Write(new ControlCode("\e[J" + lines));
                    lines.Clear();
                }
                if (e is StepCompleted && System.Diagnostics.Stopwatch.GetElapsedTime(drawn) < Interval) continue;
                drawn = System.Diagnostics.Stopwatch.GetTimestamp();
                live.UpdateTarget(Foot(status));
            }
        }).ConfigureAwait(false);
    }

    private Rows Foot(TrainingStatus status)
    {
        var width = Math.Min(screen.Columns ?? 80, 100);
        var right = string.Create(CultureInfo.InvariantCulture, $" {100 * status.Share:0}% {status.Step}/{status.TotalSteps}{status.Left("  ")}");
        var cells = Math.Max(4, width - right.Length - 1);
        var filled = (int)Math.Round(cells * status.Share);
        IRenderable bar = new Paragraph().Append(new string('━', filled), new Style(Color.Green)).Append(new string('─', cells - filled), new Style(Color.Grey)).Append(right);
        return new Rows(bar, new Text(status.Numbers()));
    }
}
