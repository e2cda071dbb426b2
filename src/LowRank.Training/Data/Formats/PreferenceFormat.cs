using System.Text.Json;

namespace LowRank.Training.Data.Formats;

/// <summary>
/// Rows of two answers, <c>chosen</c> and <c>rejected</c>: texts, messages, ShareGPT's turns, or lists of these. What stands before them is <c>prompt</c> or <c>messages</c> (a text or
/// messages), <c>conversations</c> (ShareGPT), or an Alpaca <c>instruction</c>; without any of them, what both begin with alike is the prompt, as TRL's extract_prompt has it
/// (https://github.com/huggingface/trl, trl/data_utils.py).
/// </summary>
internal static class PreferenceFormat
{
    public static DataRow? Read(RowContext row)
    {
        var (chosen, rejected) = (row.Required("chosen", "an answer"), row.Required("rejected", "an answer"));
        if (chosen is not { } better || rejected is not { } worse) return null;
        if (better.ValueKind == JsonValueKind.String && worse.ValueKind == JsonValueKind.String && IsText(row)) return Texts(row, better, worse);
        var (good, bad) = (Messages(row, "chosen", better, "assistant"), Messages(row, "rejected", worse, "assistant"));
        if (good is not { } first || bad is not { } second) return null;
        var (ours, theirs) = (first.EnumerateArray().ToArray(), second.EnumerateArray().ToArray());
        var alike = SharedPrompt.Of(ours, theirs);
        // Answers that begin alike, and not with an answer, are whole conversations; a prompt beside them is in them already.
        return alike > 0 && MessageList.Role(ours[0]) is not ("assistant" or "tool" or "function") ? Turns(row, List(ours[..alike]), List(ours[alike..]), List(theirs[alike..]))
            : Before(row) is { } prompt ? Turns(row, prompt, first, second) : null;
    }

    /// <summary>Whether nothing before the answers is a conversation.</summary>
    private static bool IsText(RowContext row) =>
        !row.TryField("conversations", out _) && !row.TryField("messages", out _) && !row.TryField("instruction", out _)
        && !(row.TryField("system", out var system) && system.ValueKind == JsonValueKind.String && system.GetString()!.Length > 0)
        && !(row.TryField("prompt", out var prompt) && prompt.ValueKind is JsonValueKind.Array or JsonValueKind.Object);

    private static DataRow? Texts(RowContext row, JsonElement chosen, JsonElement rejected)
    {
        var (better, worse) = (chosen.GetString()!, rejected.GetString()!);
        if (better == worse) WarnEqual(row);
        if (row.TryField("prompt", out _)) return row.Text("prompt", required: true) is { } prompt ? Row(row, chosen, rejected, prompt) : null;
        var shared = SharedPrompt.Of(better, worse);
        return Row(row, JsonSerializer.SerializeToElement(better[shared..]), JsonSerializer.SerializeToElement(worse[shared..]), better[..shared]);
    }

    private static DataRow Turns(RowContext row, JsonElement prompt, JsonElement chosen, JsonElement rejected)
    {
        if (JsonElement.DeepEquals(chosen, rejected)) WarnEqual(row);
        var tools = ToolList.Read(row);
        // What is odd about the conversation is said once, of the better answer.
        var whole = RowObjectives.Answers(Row(row, chosen, rejected, messages: prompt)).First();
        ConversationChecks.Run(whole.Messages!.Value, [.. whole.Learned], row);
        return Row(row, chosen, rejected, messages: prompt, tools: tools);
    }

    /// <summary>The messages before the answers, or null after an error was reported.</summary>
    private static JsonElement? Before(RowContext row)
    {
        JsonElement? before;
        if (row.TryField("conversations", out var turns)) before = Messages(row, "conversations", turns, "user");
        else if (row.TryField("messages", out var messages)) before = Messages(row, "messages", messages, "user");
        else if (row.TryField("instruction", out _)) before = AlpacaFormat.Before(row)?.Build();
        else if (row.TryField("prompt", out var prompt)) before = Messages(row, "prompt", prompt, "user");
        else
        {
            row.Error("\"chosen\" and \"rejected\" do not begin with the same message, and there is no \"prompt\"");
            return null;
        }
        if (before is not { } found || row.Text("system", required: false) is not { Length: > 0 } system || MessageList.Role(found[0]) == "system") return before;
        var builder = new MessageListBuilder();
        builder.Add("system", system);
        foreach (var message in found.EnumerateArray()) builder.Add(message);
        return builder.Build();
    }

    /// <summary>A field as a list of messages: a text of a speaker, one turn, or turns of either naming. Null after an error was reported.</summary>
    private static JsonElement? Messages(RowContext row, string field, JsonElement value, string speaker)
    {
        if (value.ValueKind == JsonValueKind.Object) value = List([value]);
        var isShareGpt = value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0 && value[0].ValueKind == JsonValueKind.Object
            && (field == "conversations" || !value[0].TryGetProperty("role"u8, out _));
        return isShareGpt ? ShareGptFormat.Turns(row, value, field) : MessageList.ReadOrText(value, speaker, row.NameOf(field), row);
    }

    private static JsonElement List(ReadOnlySpan<JsonElement> messages)
    {
        var builder = new MessageListBuilder();
        foreach (var message in messages) builder.Add(message);
        return builder.Build();
    }

    private static void WarnEqual(RowContext row) => row.WarnNothingToLearn($"\"{row.NameOf("chosen")}\" and \"{row.NameOf("rejected")}\" are equal");

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
        NothingToLearn = row.NothingToLearn,
    };
}
