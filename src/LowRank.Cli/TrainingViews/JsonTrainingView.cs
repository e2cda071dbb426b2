using System.Text;
using LowRank.Cli.Terminal;
using LowRank.Training.Events;

namespace LowRank.Cli.TrainingViews;

/// <summary>One line of JSON for each event, as in <c>metrics.jsonl</c>, as it happens.</summary>
internal sealed class JsonTrainingView(Screen screen) : TrainingView
{
    protected override async Task RenderAsync(IAsyncEnumerable<TrainingEvent> events)
    {
        await foreach (var e in events.ConfigureAwait(false))
        {
            screen.Out.WriteLine(Encoding.UTF8.GetString(MetricsFile.ToJson(e)));
            screen.Out.Flush();
        }
    }
}
