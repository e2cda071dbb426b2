using System.Text.Json;
using LowRank.Training.Data.Choices;
using LowRank.Training.Data.Preferences;

namespace LowRank.Training.Data.Formats;

/// <summary>The reader of each shape that can be trained on.</summary>
internal static class RowFormats
{
    /// <summary>The row, or null after an error was reported.</summary>
    public static DataRow? Read(DataFormat format, RowContext row)
    {
        if (row.Row.ValueKind != JsonValueKind.Object)
        {
            row.Error($"the row is {JsonNames.Kind(row.Row)}; expected an object");
            return null;
        }
        return format switch
        {
            DataFormat.Messages => MessagesFormat.Read(row),
            DataFormat.Alpaca => AlpacaFormat.Read(row),
            DataFormat.ShareGpt => ShareGptFormat.Read(row),
            DataFormat.PromptCompletion => PromptCompletionFormat.Read(row),
            DataFormat.Text => TextFormat.Read(row),
            DataFormat.Pretokenized => PretokenizedFormat.Read(row),
            DataFormat.Preference => PreferenceFormat.Read(row),
            DataFormat.MultipleChoice => MultipleChoiceFormat.Read(row),
            _ => throw new DatasetException(row.File, Refusal, row.Line),
        };
    }

    private static string Refusal => "the rows are judged answers (KTO: completion and label), which this version does not train; expected rows with " + FormatDetector.Expected;
}
