using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using LowRank.Cli.Terminal;
using LowRank.Training.Sweeps;

namespace LowRank.Cli.Sweeps;

/// <summary>Shows a sweep: where it stands, what each round decides, and a table at its end.</summary>
internal sealed class SweepView(Screen screen)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    private long drawn;

    /// <summary>Tells what is about to happen.</summary>
    public void Begin(SweepRun run) => screen.Progress(string.Create(CultureInfo.InvariantCulture,
        $"{run.Runs} runs of {run.Plan.Steps[^1]} steps, {run.Together} in one batch{(run.Plan.Steps.Count > 1 ? $"; left after {string.Join(", ", run.Plan.Steps.SkipLast(1).Select((s, i) => $"step {s}: {run.Plan.Left[i]}"))}" : "")}"));

    /// <summary>Shows where it stands. On a terminal, the line is renewed until a round ends.</summary>
    public void Tell(SweepProgress progress)
    {
        if (progress.Line is { } line)
        {
            screen.Error.WriteLine($"{(screen.IsErrorLive ? "\r" : "")}{line}{(screen.IsErrorLive ? "\e[K" : "")}");
            return;
        }
        if (!screen.IsErrorLive || Stopwatch.GetElapsedTime(drawn) < Interval) return;
        drawn = Stopwatch.GetTimestamp();
        var text = string.Create(CultureInfo.InvariantCulture, $"step {progress.Step}/{progress.TotalSteps}  {progress.Runs} runs  lowest loss {progress.Loss:0.0000}  {progress.TokensPerSecond:0} tok/s");
        screen.Error.Write($"\r{(screen.Columns is { } width && text.Length >= width ? text[..Math.Max(0, width - 1)] : text)}\e[K");
    }

    /// <summary>Prints the table.</summary>
    public void Show(SweepResult result, string folder)
    {
        var table = SweepReport.Table(result);
        screen.Write(table.Title.ToLowerInvariant(), "bold");
        screen.Out.WriteLine();
        foreach (var line in table.Lines((screen.Columns ?? 80) - 2)) screen.Out.WriteLine("  " + line);
        screen.Out.WriteLine();
        screen.Out.WriteLine($"in {folder}: best (the adapter), best.yaml (its settings), results.json, table.md, curves.png");
    }

    /// <summary>Prints the results as <c>results.json</c> has them.</summary>
    public void Json(SweepResult result) => screen.Json(JsonNode.Parse(JsonSerializer.SerializeToUtf8Bytes(result, SweepJson.Default.SweepResult))!);
}
