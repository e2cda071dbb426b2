using System.Text.Json;

namespace LowRank.Training.Data.Formats;

/// <summary>Rows of one answer and whether it is a good one: <c>label</c>, true or false, beside a row of another kind. Of a whole conversation the last answer is meant.</summary>
internal static class KtoFormat
{
    public static DataRow? Read(RowContext row)
    {
        var label = Label(row);
        var (judged, isWhole) = row.Tags is null && row.TryField("messages", out _) ? (MessagesFormat.Read(row), true)
            : row.TryField("conversations", out _) ? (ShareGptFormat.Read(row), true)
            : row.TryField("instruction", out _) ? (AlpacaFormat.Read(row), true)
            : (PromptCompletionFormat.Read(row), false);
        if (label is null || judged is null) return null;
        // The label is of the last answer, as LLaMA-Factory has it; those before it are part of the prompt.
        var last = judged.Learned.Count - 1;
        while (last >= 0 && !judged.Learned[last]) last--;
        return new DataRow
        {
            File = judged.File,
            Line = judged.Line,
            Number = judged.Number,
            Format = DataFormat.Kto,
            Messages = judged.Messages,
            Tools = judged.Tools,
            Learned = isWhole ? [.. judged.Learned.Select((_, turn) => turn == last)] : judged.Learned,
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
