using System.Globalization;
using System.Text.Json;
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
    /// <param name="comparison">The same beside the result of the base, or null where there is nothing to compare with.</param>
    /// <param name="wrong">How many wrong answers to show.</param>
    /// <param name="json">Whether to print JSON.</param>
    public static void Show(Screen screen, EvaluationResult result, EvaluationComparison? comparison, int wrong, bool json)
    {
        var baseline = comparison?.Base;
        if (json)
        {
            screen.Json(Json(result, comparison));
            return;
        }
        if (baseline is not null) Row(screen, "", "adapter", "base");
        Row(screen, "loss", Quantity.Loss(result.Loss), baseline is null ? null : Quantity.Loss(baseline.Loss));
        Row(screen, "perplexity", Number(result.Perplexity), baseline is null ? null : Number(baseline.Perplexity));
        foreach (var (label, figure) in Shares)
            if (figure(result) is { } share) Row(screen, label, Quantity.Percent(share), baseline is null ? null : figure(baseline) is { } before ? Quantity.Percent(before) : "-");
        Row(screen, "supervised tokens", Quantity.Count(result.SupervisedTokens), null);
        Row(screen, "rows", Quantity.Count(result.Rows), null);
        Intervals(screen, result, comparison);
        foreach (var answer in result.Wrong.Take(wrong))
        {
            screen.Out.WriteLine($"\n{answer.Place}");
            screen.Out.WriteLine($"  expected: {OneLine(answer.Expected)}");
            screen.Out.WriteLine($"  answered: {OneLine(answer.Got)}{(answer.Ended ? "" : " … (does not end)")}");
        }
        if (result.Wrong.Count > wrong && wrong > 0) screen.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"\n… and {result.Wrong.Count - wrong} more wrong answers (--wrong COUNT shows more)"));
    }

    private static readonly (string Label, Func<EvaluationResult, double?> Figure)[] Shares =
        [("accuracy", r => r.Accuracy), ("F1", r => r.F1), ("acc_norm", r => r.AccuracyNormalized), ("reward accuracy", r => r.RewardAccuracy)];

    private static JsonNode Json(EvaluationResult result, EvaluationComparison? comparison)
    {
        var node = Json(result);
        if (comparison is null) return node;
        node["base"] = Json(comparison.Base);
        node["difference"] = JsonSerializer.SerializeToNode(comparison.Differences(), Form);
        return node;
    }

    private static JsonNode Json(EvaluationResult result)
    {
        var node = JsonNode.Parse(result.ToJson())!;
        node["intervals"] = JsonSerializer.SerializeToNode(result.Intervals(), Form);
        return node;
    }

    private static readonly JsonSerializerOptions Form = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    // One line a figure: how far it may be off, and that of the difference where there are two models.
    private static void Intervals(Screen screen, EvaluationResult result, EvaluationComparison? comparison)
    {
        var (intervals, differences) = (result.Intervals(), comparison?.Differences());
        if (intervals.Count == 0) return;
        screen.Out.WriteLine($"\n95 % intervals (bootstrap over rows{(differences is null ? "" : ", adapter less base over the same rows")}):");
        foreach (var (name, interval) in intervals)
        {
            var difference = differences?.GetValueOrDefault(name);
            screen.Out.WriteLine($"{name,-Column}  {Figure(name, interval.Low)} to {Figure(name, interval.High)}"
                + (difference is null ? "" : $"; {Signed(name, difference.Value)} ({Signed(name, difference.Low)} to {Signed(name, difference.High)})"));
        }
    }

    private static string Figure(string name, double value) => name == "loss" ? Quantity.Loss(value) : Quantity.Percent(value);

    private static string Signed(string name, double value) => name == "loss" ? value.ToString("+0.0000;-0.0000;0", CultureInfo.InvariantCulture) : (100 * value).ToString("+0.0;-0.0;0", CultureInfo.InvariantCulture);

    private static void Row(Screen screen, string label, string value, string? before) =>
        screen.Out.WriteLine($"{label,-Column}  {value,10}{(before is null ? "" : $"  {before,10}")}".TrimEnd());

    private static string Number(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);

    private static string OneLine(string text) => Printable.Of(text).ReplaceLineEndings("⏎");
}
