using System.Globalization;
using LowRank.Models;
using LowRank.Training.Data;

namespace LowRank.Training.Evaluation.Choices;

/// <summary>A multiple choice as the model reads it: one sequence for each choice.</summary>
/// <param name="Row">Where it stands.</param>
/// <param name="Choices">The texts.</param>
/// <param name="Right">Which of them is right.</param>
/// <param name="Sequences">Context and choice, the choice's tokens supervised.</param>
internal sealed record ChoiceQuestion(DataRow Row, IReadOnlyList<string> Choices, int Right, Example[] Sequences)
{
    /// <summary>The questions of all rows, in their order.</summary>
    /// <param name="model">The model.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="limit">The most tokens of a sequence; the beginning of a longer context is left out.</param>
    /// <exception cref="DatasetException">Rows are no multiple choices, or a choice is too long; all of them are listed.</exception>
    public static IReadOnlyList<ChoiceQuestion> Of(LanguageModel model, IReadOnlyList<DataRow> rows, int limit)
    {
        var questions = new ChoiceQuestion?[rows.Count];
        var problems = new Problem?[rows.Count];
        Parallel.For(0, rows.Count, i =>
        {
            if (Fault(model, rows[i], limit, out questions[i]) is { } fault) problems[i] = new Problem(ProblemSeverity.Error, rows[i].File, rows[i].Line, 0, fault);
        });
        Problem[] found = [.. problems.OfType<Problem>()];
        if (found.Length > 0) throw new DatasetException(found, found.Length);
        return [.. questions.OfType<ChoiceQuestion>()];
    }

    private static string? Fault(LanguageModel model, DataRow row, int limit, out ChoiceQuestion? question)
    {
        question = null;
        if (row is not { Choices: { } choices, Prompt: { } context }) return "the row is no multiple choice; expected a question, choices and the answer";
        var sequences = new Example[choices.Count];
        for (var i = 0; i < sequences.Length; i++)
        {
            var (ids, start) = ChoiceTokens.Encode(model, context, ChoiceTokens.Delimiter + choices[i]);
            var length = ids.Length - start;
            if (length >= limit) return string.Create(CultureInfo.InvariantCulture, $"choice {i + 1} has {length} tokens, which leave no room for the question in {limit}");
            // What is kept is the end, as in the harness.
            ids = ids[Math.Max(0, ids.Length - limit)..];
            sequences[i] = new Example(ids, [.. Enumerable.Repeat(false, ids.Length - length), .. Enumerable.Repeat(true, length)], row);
        }
        question = new ChoiceQuestion(row, choices, choices.ToList().IndexOf(row.Completion!), sequences);
        return null;
    }
}
