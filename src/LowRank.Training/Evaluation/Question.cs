using System.Text.Json;
using LowRank.Models;
using LowRank.Models.Generation;
using LowRank.Models.Templates;
using LowRank.Training.Data;

namespace LowRank.Training.Evaluation;

/// <summary>What a row asks: everything before its last assistant turn, and the answer that stands there.</summary>
/// <param name="Place">Where the row stands.</param>
/// <param name="Text">The last thing said before the answer, for people.</param>
/// <param name="Prompt">The prompt's token ids.</param>
/// <param name="Answer">The expected answer.</param>
internal sealed record Question(string Place, string Text, int[] Prompt, string Answer)
{
    /// <summary>The questions of all rows, in their order.</summary>
    /// <exception cref="DatasetException">Some rows have none; all of them are listed.</exception>
    /// <exception cref="LowRankException">There are no rows.</exception>
    public static IReadOnlyList<Question> Of(LanguageModel model, IReadOnlyList<DataRow> rows)
    {
        if (rows.Count == 0) throw new LowRankException("there are no rows to ask");
        var questions = new Question?[rows.Count];
        var problems = new Problem?[rows.Count];
        Parallel.For(0, rows.Count, i =>
        {
            try
            {
                questions[i] = Of(model, rows[i]);
            }
            catch (LowRankException fault)
            {
                problems[i] = new Problem(ProblemSeverity.Error, rows[i].File, rows[i].Line, 0, fault.Message);
            }
        });
        Problem[] found = [.. problems.OfType<Problem>()];
        if (found.Length > 0) throw new DatasetException(found, found.Length);
        return [.. questions.OfType<Question>()];
    }

    private static Question Of(LanguageModel model, DataRow row)
    {
        if (row.Messages is { } messages) return OfChat(model, row, [.. messages.EnumerateArray().Select(ChatMessage.FromJson)]);
        if (row.Prompt is not { } prompt)
            throw new LowRankException("the row is a text without a question, so no answer can be compared; evaluate its loss only, or make rows of messages or of prompt and completion");
        var ids = model.ChatTemplate is null ? model.Tokenizer.Encode(prompt, addSpecialTokens: true) : model.EncodeChat([new ChatMessage("user", prompt)]);
        return new Question(row.Place, prompt, Fitting(model, ids), row.Completion ?? "");
    }

    private static Question OfChat(LanguageModel model, DataRow row, ChatMessage[] messages)
    {
        var last = Array.FindLastIndex(messages, m => m.Role == "assistant");
        if (last < 1) throw new LowRankException("no assistant turn follows a question, so no answer can be compared");
        if (messages[last].Content is not string answer)
            throw new LowRankException("the last assistant turn has no text (it may be a tool call), so no answer can be compared");
        var ids = model.EncodeChat(messages[..last], row.Tools);
        return new Question(row.Place, messages[last - 1].Content as string ?? "", Fitting(model, ids), answer);
    }

    private static int[] Fitting(LanguageModel model, int[] prompt)
    {
        new TextGenerator(model).Check(prompt, "the prompt");
        return prompt;
    }
}
