using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using LowRank.Cli.Terminal;
using LowRank.Training.Comparison;

namespace LowRank.Cli.Comparisons;

/// <summary>Shows a comparison: a line for each part while it goes on, two tables at its end.</summary>
internal sealed class ComparisonView(Screen screen)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    private long drawn;

    /// <summary>Shows where it stands. On a terminal, a part's line is renewed until it ends.</summary>
    public void Tell(ComparisonProgress progress)
    {
        var head = string.Create(CultureInfo.InvariantCulture, $"[{progress.Number}/{progress.Total}] {progress.Part}");
        if (progress.Inner is { } inner)
        {
            if (!screen.IsErrorLive || Stopwatch.GetElapsedTime(drawn) < Interval) return;
            drawn = Stopwatch.GetTimestamp();
            screen.Error.Write($"\r{Cut($"{head}: {inner.What} {inner.Done}/{inner.Total}")}\e[K");
        }
        else if (progress.Outcome is null)
        {
            if (screen.IsErrorLive) screen.Error.Write($"\r{Cut(head)}\e[K");
        }
        else
        {
            var left = progress.TimeLeft is { } time ? $"; about {Quantity.Time(time)} left" : "";
            screen.Error.WriteLine($"{(screen.IsErrorLive ? "\r" : "")}{head}: {Printable.Of(progress.Outcome).ReplaceLineEndings(" ")}{(progress.IsKept ? " (kept)" : "")}{left}{(screen.IsErrorLive ? "\e[K" : "")}");
        }
    }

    /// <summary>Prints the tables.</summary>
    public void Show(ComparisonResult result, string folder)
    {
        foreach (var table in ComparisonTables.Of(result))
        {
            screen.Write(table.Title.ToLowerInvariant(), "bold");
            screen.Out.WriteLine();
            foreach (var line in table.Lines((screen.Columns ?? 80) - 2)) screen.Out.WriteLine("  " + line);
            screen.Out.WriteLine();
        }
        foreach (var note in result.Notes.Prepend(ComparisonTables.Legend))
            foreach (var line in TextWrap.Lines(Printable.Of(note), screen.Columns ?? 100)) screen.Out.WriteLine(line);
        screen.Out.WriteLine($"in {folder}: results.json, table.md, curves.png{(result.Cells.Any(c => c.Accuracy is not null) ? ", accuracy.png" : "")}");
    }

    /// <summary>Prints the results as <c>results.json</c> has them.</summary>
    public void Json(ComparisonResult result) => screen.Json(JsonNode.Parse(result.ToJson())!);

    private string Cut(string line) => screen.Columns is { } width && line.Length >= width ? line[..Math.Max(0, width - 1)] : line;
}
