using System.Text.Json;
using LowRank.Training.Data.Choices;

namespace LowRank.Training.Data.Formats;

/// <summary>The reader of each shape.</summary>
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
            DataFormat.Kto => KtoFormat.Read(row),
            DataFormat.MultipleChoice => MultipleChoiceFormat.Read(row),
            _ => throw new InvalidOperationException($"there is no reader for {format}"),
        };
    }
}
