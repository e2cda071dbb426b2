using System.Globalization;
using LowRank.Cli.Terminal;
using LowRank.Training.Advice;
using LowRank.Training.Planning;

namespace LowRank.Cli.Advices;

/// <summary>Prints a recommendation: each setting with reason and source, then where sources disagree.</summary>
internal static class AdviceView
{
    /// <summary>Prints it.</summary>
    /// <param name="screen">Where.</param>
    /// <param name="advice">The recommendation.</param>
    /// <param name="written">The file that holds its settings, or null.</param>
    public static void Show(Screen screen, AdviceReport advice, string? written)
    {
        screen.Fields(
        [
            ("model", string.Create(CultureInfo.InvariantCulture, $"{Printable.Of(advice.Model)}, {advice.Parameters:N0} parameters")),
            ("data", string.Create(CultureInfo.InvariantCulture, $"{advice.Data.Examples:N0} rows, {advice.Data.Tokens:N0} tokens, {100 * advice.Data.SupervisedShare:0} % of them learned; {Printable.Of(advice.Data.Origin)}")),
            ("memory", $"{MemorySize.Gigabytes(advice.MemoryBytes)} ({advice.MemoryOrigin})"),
            ("purpose", advice.Purpose),
        ]);
        foreach (var choice in advice.Choices)
        {
            screen.Out.WriteLine();
            screen.Write($"{choice.Key} {choice.Value}", "bold");
            screen.Out.WriteLine();
            screen.Fields([("why", choice.Reason), ("source", choice.Source)], indent: 4);
        }
        screen.Out.WriteLine("\nWhere sources disagree");
        foreach (var disagreement in advice.Disagreements)
        {
            screen.Out.WriteLine($"\n  {disagreement.Question}");
            screen.Fields([.. disagreement.Opinions.Select(o => ($"{(o.IsTaken ? "→ " : "  ")}{o.Says}", $"{o.Who}\n{o.Cost}"))], indent: 2);
        }
        screen.Out.WriteLine();
        foreach (var line in TextWrap.Lines(written is null ? advice.Command : $"lowrank train --config {written}", screen.Columns ?? int.MaxValue, continued: " \\")) screen.Out.WriteLine(line);
    }
}
