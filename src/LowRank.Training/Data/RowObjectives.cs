using System.Text.Json;
using LowRank.Training.Data.Formats;

namespace LowRank.Training.Data;

/// <summary>What rows of each shape are for.</summary>
internal static class RowObjectives
{
    /// <summary>Why rows of a shape cannot be learned from with an objective, and what they need; null where they can.</summary>
    /// <param name="format">The shape.</param>
    /// <param name="use">What the objective learns of rows.</param>
    public static string? Refusal(DataFormat format, RowUse use) => (format, use) switch
    {
        (DataFormat.Preference, RowUse.Answers) => "the rows are preferences (chosen, rejected), which need an objective that compares two answers: train on them with --objective dpo, orpo or simpo (or kto, to which they are a good and a bad answer), and evaluate them with --metric preference. To learn the better answers alone, map them: --columns prompt=prompt,completion=chosen, with prompts and answers that are texts.",
        (DataFormat.Kto, RowUse.Answers) => "the rows are judged answers (label true or false): they need the objective KTO, --objective kto. Others learn answers as they stand, the bad ones too; " + Instead + " To learn the good answers alone, keep the rows with \"label\": true and remove the label.",
        (DataFormat.Kto, RowUse.Pairs) => "the rows are judged answers (label true or false): they need the objective KTO, --objective kto. To compare two answers, rows need \"chosen\" and \"rejected\".",
        (not DataFormat.Preference, RowUse.Pairs) => "the rows have one answer each, and preferences need two: expected \"chosen\" and \"rejected\", or train with --objective sft.",
        (not (DataFormat.Preference or DataFormat.Kto), RowUse.Judgements) => "the rows have answers that are not judged: expected \"label\" (or \"kto_tag\"), true or false, beside prompt and completion, or \"chosen\" and \"rejected\", or train with --objective sft.",
        _ => null,
    };

    /// <summary>The answers of a row, each as a row to learn from: both of a preference row, the judged one of KTO; other rows as they are.</summary>
    public static IEnumerable<DataRow> Answers(DataRow row) => row.Format switch
    {
        DataFormat.Preference => [Side(row, row.Chosen!.Value), Side(row, row.Rejected!.Value)],
        DataFormat.Kto => [Plain(row, row.Messages, row.Learned, row.Completion)],
        _ => [row],
    };

    private static DataRow Side(DataRow row, JsonElement answer)
    {
        if (row.Messages is not { } prompt) return Plain(row, null, [], answer.GetString());
        var builder = new MessageListBuilder();
        foreach (var message in prompt.EnumerateArray()) builder.Add(message);
        foreach (var message in answer.EnumerateArray()) builder.Add(message);
        return Plain(row, builder.Build(), [.. row.Learned, .. answer.EnumerateArray().Select(MessageList.IsLearned)], null);
    }

    private static DataRow Plain(DataRow row, JsonElement? messages, IReadOnlyList<bool> learned, string? completion) => new()
    {
        File = row.File,
        Line = row.Line,
        Number = row.Number,
        Format = messages is null ? DataFormat.PromptCompletion : DataFormat.Messages,
        Messages = messages,
        Learned = learned,
        Tools = row.Tools,
        Prompt = row.Prompt,
        Completion = completion,
        NothingToLearn = row.NothingToLearn,
    };

    private static string Instead => "expected rows with " + FormatDetector.Expected + ".";
}
