using System.Globalization;
using System.Text.Json.Nodes;
using LowRank.Cli.Terminal;
using LowRank.Training.Evaluation;

namespace LowRank.Cli.Evaluations;

/// <summary>Prints what an evaluation found.</summary>
internal static class EvaluationView
{
    private const int Column = 18;

    /// <summary>Prints it.</summary>
    /// <param name="screen">Where.</param>
    /// <param name="result">The result of the model, with its adapter if it has one.</param>
    /// <param name="baseline">The result of the base, or null where there is nothing to compare with.</param>
    /// <param name="wrong">How many wrong answers to show.</param>
    /// <param name="json">Whether to print JSON.</param>
    public static void Show(Screen screen, EvaluationResult result, EvaluationResult? baseline, int wrong, bool json)
    {
        if (json)
        {
            var node = JsonNode.Parse(result.ToJson())!;
            if (baseline is not null) node["base"] = JsonNode.Parse(baseline.ToJson());
            screen.Json(node);
            return;
        }
        if (baseline is not null) Row(screen, "", "adapter", "base");
        Row(screen, "loss", Quantity.Loss(result.Loss), baseline is null ? null : Quantity.Loss(baseline.Loss));
        Row(screen, "perplexity", Number(result.Perplexity), baseline is null ? null : Number(baseline.Perplexity));
        if (result.Accuracy is { } accuracy) Row(screen, "accuracy", Quantity.Percent(accuracy), baseline?.Accuracy is { } before ? Quantity.Percent(before) : null);
        Row(screen, "supervised tokens", Quantity.Count(result.SupervisedTokens), null);
        Row(screen, "rows", Quantity.Count(result.Rows), null);
        foreach (var answer in result.Wrong.Take(wrong))
        {
            screen.Out.WriteLine($"\n{answer.Place}");
            screen.Out.WriteLine($"  expected: {OneLine(answer.Expected)}");
            screen.Out.WriteLine($"  answered: {OneLine(answer.Got)}{(answer.Ended ? "" : " … (does not end)")}");
        }
        if (result.Wrong.Count > wrong && wrong > 0) screen.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"\n… and {result.Wrong.Count - wrong} more wrong answers (--wrong COUNT shows more)"));
    }

    private static void Row(Screen screen, string label, string value, string? before) =>
        screen.Out.WriteLine($"{label,-Column}  {value,10}{(before is null ? "" : $"  {before,10}")}".TrimEnd());

    private static string Number(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);

    private static string OneLine(string text) => Printable.Of(text).ReplaceLineEndings("⏎");
}
