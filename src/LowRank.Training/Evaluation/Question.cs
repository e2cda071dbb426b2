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
            var why = "";
            try
            {
                questions[i] = TryOf(model, rows[i], out why);
            }
            catch (LowRankException fault)
            {
                why = fault.Message;
            }
            if (questions[i] is null) problems[i] = new Problem(ProblemSeverity.Error, rows[i].File, rows[i].Line, 0, why);
        });
        Problem[] found = [.. problems.OfType<Problem>()];
        if (found.Length > 0) throw new DatasetException(found, found.Length);
        return [.. questions.OfType<Question>()];
    }

    /// <summary>The question of a row, or null and why it has none.</summary>
    /// <exception cref="LowRankException">The row is a conversation, and the model has no chat template or one that refuses it.</exception>
    public static Question? TryOf(LanguageModel model, DataRow row, out string why)
    {
        why = "";
        // What a preference asks is answered by the better answer.
        if (row.Chosen is not null) row = RowObjectives.Answers(row).First();
        if (row.Messages is { } messages) return OfChat(model, row, [.. messages.EnumerateArray().Select(ChatMessage.FromJson)], out why);
        if (row.Prompt is { } prompt)
            return Fitting(model, row, prompt, model.ChatTemplate is null ? model.Tokenizer.Encode(prompt, addSpecialTokens: true) : model.EncodeChat([new ChatMessage("user", prompt)]), row.Completion ?? "", out why);
        why = "the row is a text without a question, so no answer can be compared; evaluate its loss only, or make rows of messages or of prompt and completion";
        return null;
    }

    private static Question? OfChat(LanguageModel model, DataRow row, ChatMessage[] messages, out string why)
    {
        var last = Array.FindLastIndex(messages, m => m.Role == "assistant");
        if (last >= 1 && messages[last].Content is string answer)
            return Fitting(model, row, messages[last - 1].Content as string ?? "", model.EncodeChat(messages[..last], row.Tools), answer, out why);
        why = last < 1 ? "no assistant turn follows a question, so no answer can be compared"
            : "the last assistant turn has no text (it may be a tool call), so no answer can be compared";
        return null;
    }

    private static Question? Fitting(LanguageModel model, DataRow row, string text, int[] prompt, string answer, out string why)
    {
        why = new TextGenerator(model).WhyUnusable(prompt, "the prompt") ?? "";
        return why.Length == 0 ? new Question(row.Place, text, prompt, answer) : null;
    }
}
