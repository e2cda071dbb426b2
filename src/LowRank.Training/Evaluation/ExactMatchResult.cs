using LowRank.Training.Evaluation.Statistics;

namespace LowRank.Training.Evaluation;

/// <summary>
/// Exact-match accuracy. A row's prompt is everything before its last assistant turn, rendered with the chat template's generation prompt (of a prompt and
/// completion row without a template, the prompt). The model answers greedily. The answer counts if the model ended it with an end token and its text, special
/// tokens left out and white space around it removed, equals the expected text, white space around it removed, character by character.
/// </summary>
/// <param name="Rows">Rows asked.</param>
/// <param name="Correct">Rows answered rightly.</param>
/// <param name="Wrong">The others, in the order of the data.</param>
public sealed record ExactMatchResult(int Rows, int Correct, IReadOnlyList<WrongAnswer> Wrong)
{
    /// <summary>For each row, in the order of the data, whether its answer is right.</summary>
    internal IReadOnlyList<bool> Answers { get; init; } = [];

    /// <summary>A result with this beside its loss.</summary>
    internal EvaluationResult AddTo(EvaluationResult loss) =>
        loss with { Accuracy = Accuracy, Wrong = Wrong, Figures = [.. loss.Figures, new Figure("accuracy", [.. Answers.Select(right => right ? 1.0 : 0)])] };

    /// <summary>The share of right answers, from 0 to 1.</summary>
    public double Accuracy => Rows == 0 ? 0 : (double)Correct / Rows;
}
