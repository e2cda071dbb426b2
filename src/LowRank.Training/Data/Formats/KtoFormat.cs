using System.Text.Json;

namespace LowRank.Training.Data.Formats;

/// <summary>Rows of one answer and whether it is a good one: <c>label</c>, true or false, beside a row of another kind.</summary>
internal static class KtoFormat
{
    public static DataRow? Read(RowContext row)
    {
        var label = Label(row);
        var judged = row.Tags is null && row.TryField("messages", out _) ? MessagesFormat.Read(row)
            : row.TryField("conversations", out _) ? ShareGptFormat.Read(row)
            : row.TryField("instruction", out _) ? AlpacaFormat.Read(row)
            : PromptCompletionFormat.Read(row);
        if (label is null || judged is null) return null;
        return new DataRow
        {
            File = judged.File,
            Line = judged.Line,
            Number = judged.Number,
            Format = DataFormat.Kto,
            Messages = judged.Messages,
            Tools = judged.Tools,
            Learned = judged.Learned,
            Prompt = judged.Prompt,
            Completion = judged.Completion,
            NothingToLearn = judged.NothingToLearn,
            Label = label,
        };
    }

    private static bool? Label(RowContext row)
    {
        if (row.Required("label", "true or false") is not { } label) return null;
        // 1 and 0 are what a table or an export makes of true and false.
        if (label.ValueKind == JsonValueKind.Number && label.TryGetInt32(out var number) && number is 0 or 1) return number == 1;
        if (label.ValueKind is JsonValueKind.True or JsonValueKind.False) return label.GetBoolean();
        row.Error($"\"{row.NameOf("label")}\" is {JsonNames.Kind(label)}; expected true or false");
        return null;
    }
}
