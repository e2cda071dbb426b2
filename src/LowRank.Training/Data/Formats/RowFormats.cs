using System.Text.Json;

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
            _ => throw new DatasetException(row.File, Refusal(format), row.Line),
        };
    }

    private static string Refusal(DataFormat format) => format == DataFormat.Preference
        ? "the rows are preferences (chosen, rejected), for DPO and the like, which this version does not train; " + Supported
        : "the rows are judged answers (KTO: completion and label), which this version does not train; " + Supported;

    private static string Supported => "expected rows with " + FormatDetector.Expected;
}
