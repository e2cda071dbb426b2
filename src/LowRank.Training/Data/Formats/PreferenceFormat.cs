using System.Text.Json;

namespace LowRank.Training.Data.Formats;

/// <summary>
/// Rows of two answers, <c>chosen</c> and <c>rejected</c>. What stands before them is <c>prompt</c> (a text or messages), <c>conversations</c> (ShareGPT), or an
/// Alpaca <c>instruction</c>; without any of them both are whole conversations, and what they begin with alike is the prompt, as TRL's extract_prompt has it
/// (https://github.com/huggingface/trl, trl/data_utils.py).
/// </summary>
internal static class PreferenceFormat
{
    public static DataRow? Read(RowContext row)
    {
        var (chosen, rejected) = (row.Required("chosen", "an answer"), row.Required("rejected", "an answer"));
        if (chosen is not { } better || rejected is not { } worse) return null;
        if (row.TryField("conversations", out var turns)) return Turns(row, ShareGptFormat.Turns(row, turns, "conversations"), better, worse);
        if (row.TryField("messages", out var messages)) return Turns(row, MessageList.Read(messages, row.NameOf("messages"), row), better, worse);
        if (row.TryField("instruction", out _)) return AlpacaFormat.Before(row) is { } before ? Turns(row, before.Build(), better, worse) : null;
        if (row.TryField("prompt", out var prompt)) return prompt.ValueKind == JsonValueKind.String && better.ValueKind == JsonValueKind.String ? Texts(row, better, worse)
            : Turns(row, MessageList.ReadOrText(prompt, "user", row.NameOf("prompt"), row), better, worse);
        return Whole(row, better, worse);
    }

    private static DataRow? Texts(RowContext row, JsonElement chosen, JsonElement rejected)
    {
        if (row.Text("chosen", required: true) is not { } better || row.Text("rejected", required: true) is not { } worse || row.Text("prompt", required: true) is not { } prompt) return null;
        Compare(row, better, worse);
        return Row(row, chosen, rejected, prompt);
    }

    private static DataRow? Turns(RowContext row, JsonElement? before, JsonElement chosen, JsonElement rejected)
    {
        var (better, worse) = (Answer(row, "chosen", chosen), Answer(row, "rejected", rejected));
        if (before is not { } prompt || better is not { } good || worse is not { } bad) return null;
        Compare(row, good.GetRawText(), bad.GetRawText());
        return Row(row, good, bad, messages: prompt, tools: ToolList.Read(row));
    }

    private static DataRow? Whole(RowContext row, JsonElement chosen, JsonElement rejected)
    {
        if (chosen.ValueKind != JsonValueKind.Array || rejected.ValueKind != JsonValueKind.Array)
        {
            row.Error("no field \"prompt\", so that \"chosen\" and \"rejected\" must be whole conversations (lists of messages)");
            return null;
        }
        if (Answer(row, "chosen", chosen) is not { } better || Answer(row, "rejected", rejected) is not { } worse) return null;
        var (good, bad) = (better.EnumerateArray().ToArray(), worse.EnumerateArray().ToArray());
        var alike = 0;
        while (alike < Math.Min(good.Length, bad.Length) && JsonElement.DeepEquals(good[alike], bad[alike])) alike++;
        // Two conversations that are equal still end in an answer.
        if (alike == good.Length || alike == bad.Length) alike = Math.Max(0, alike - 1);
        if (alike == 0)
        {
            row.Error("\"chosen\" and \"rejected\" do not begin with the same message, and there is no \"prompt\"");
            return null;
        }
        return Turns(row, List(good[..alike]), List(good[alike..]), List(bad[alike..]));
    }

    /// <summary>An answer as a list of messages: a text, one turn, or turns of either naming.</summary>
    private static JsonElement? Answer(RowContext row, string field, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Object) value = List([value]);
        var isShareGpt = value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0 && value[0].ValueKind == JsonValueKind.Object && !value[0].TryGetProperty("role"u8, out _);
        return isShareGpt ? ShareGptFormat.Turns(row, value, field) : MessageList.ReadOrText(value, "assistant", row.NameOf(field), row);
    }

    private static JsonElement List(ReadOnlySpan<JsonElement> messages)
    {
        var builder = new MessageListBuilder();
        foreach (var message in messages) builder.Add(message);
        return builder.Build();
    }

    private static void Compare(RowContext row, string chosen, string rejected)
    {
        if (chosen == rejected) row.Warn("\"chosen\" and \"rejected\" are equal: the row prefers nothing");
    }

    private static DataRow Row(RowContext row, JsonElement chosen, JsonElement rejected, string? prompt = null, JsonElement? messages = null, JsonElement? tools = null) => new()
    {
        File = row.File,
        Line = row.Line,
        Number = row.Number,
        Format = DataFormat.Preference,
        Prompt = prompt,
        Messages = messages,
        Learned = messages is { } list ? new bool[list.GetArrayLength()] : [],
        Tools = tools,
        Chosen = chosen,
        Rejected = rejected,
    };
}
