using System.Globalization;
using System.Text.Json;

namespace LowRank.Training.Data.Formats;

/// <summary>
/// Alpaca rows as LLaMA-Factory reads them (https://github.com/hiyouga/LLaMA-Factory, AlpacaDatasetConverter): the user turn is the
/// instruction and, on a line of its own, the input where there is one; <c>history</c> is turns before it, <c>system</c> the system message.
/// </summary>
internal static class AlpacaFormat
{
    public static DataRow? Read(RowContext row)
    {
        var builder = Before(row);
        if (row.Text("output", required: true) is not { } output || builder is null) return null;
        builder.Add("assistant", output);
        var messages = builder.Build();
        var learned = messages.EnumerateArray().Select(MessageList.IsLearned).ToArray();
        return MessagesFormat.Row(row, DataFormat.Alpaca, messages, learned, ToolList.Read(row));
    }

    /// <summary>What stands before the answer, or null after errors were reported.</summary>
    public static MessageListBuilder? Before(RowContext row)
    {
        var instruction = row.Text("instruction", required: true);
        var input = row.Text("input", required: false);
        var system = row.Text("system", required: false);
        var builder = new MessageListBuilder();
        if (!string.IsNullOrEmpty(system)) builder.Add("system", system);
        var sound = History(row, builder);
        if (instruction is null || !sound) return null;
        // An instruction can be empty when the input holds the request.
        builder.Add("user", string.IsNullOrEmpty(input) ? instruction : instruction.Length == 0 ? input : instruction + "\n" + input);
        return builder;
    }

    private static bool History(RowContext row, MessageListBuilder builder)
    {
        if (!row.TryField("history", out var history)) return true;
        if (history.ValueKind != JsonValueKind.Array)
        {
            row.Error($"\"{row.NameOf("history")}\" is {JsonNames.Kind(history)}; expected a list of [question, answer]");
            return false;
        }
        var (number, sound) = (0, true);
        foreach (var pair in history.EnumerateArray())
        {
            number++;
            if (pair.ValueKind == JsonValueKind.Array && pair.GetArrayLength() == 2
                && pair[0].ValueKind == JsonValueKind.String && pair[1].ValueKind == JsonValueKind.String)
            {
                builder.Add("user", pair[0].GetString()!);
                builder.Add("assistant", pair[1].GetString()!);
                continue;
            }
            row.Error(string.Create(CultureInfo.InvariantCulture, $"entry {number} of \"{row.NameOf("history")}\" is not a pair of texts [question, answer]"));
            sound = false;
        }
        return sound;
    }
}
