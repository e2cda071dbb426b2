using System.Globalization;
using System.Text.Json;

namespace LowRank.Training.Data.Formats;

/// <summary>
/// ShareGPT rows: <c>from</c> names the speaker, <c>value</c> is what is said. A <c>function_call</c> becomes an assistant turn with
/// tool calls, an <c>observation</c> a tool message. A list that has <c>role</c> and <c>content</c> instead is read as messages.
/// </summary>
internal static class ShareGptFormat
{
    private const string Speakers = "human, gpt, system, function_call, observation";

    public static DataRow? Read(RowContext row)
    {
        if (row.Required("conversations", "a list of turns") is not { } list) return null;
        var field = row.NameOf("conversations");
        var asMessages = list.ValueKind == JsonValueKind.Array && list.GetArrayLength() > 0 && list[0].ValueKind == JsonValueKind.Object && list[0].TryGetProperty("role"u8, out _);
        if (asMessages || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() == 0)
            return MessageList.Read(list, field, row) is { } plain ? Finish(row, plain) : null;

        var builder = new MessageListBuilder();
        if (row.Text("system", required: false) is { Length: > 0 } system) builder.Add("system", system);
        var (number, sound) = (0, true);
        foreach (var turn in list.EnumerateArray())
        {
            number++;
            if (Add(turn, builder, row) is not { } fault) continue;
            row.Error(string.Create(CultureInfo.InvariantCulture, $"turn {number} {fault}"));
            sound = false;
        }
        return sound ? Finish(row, builder.Build()) : null;
    }

    private static DataRow Finish(RowContext row, JsonElement messages) =>
        MessagesFormat.Row(row, DataFormat.ShareGpt, messages, messages.EnumerateArray().Select(MessageList.IsLearned).ToArray(), ToolList.Read(row));

    /// <summary>Adds a turn as a message.</summary>
    /// <returns>What is wrong with it, or null.</returns>
    internal static string? Add(JsonElement turn, MessageListBuilder builder, RowContext row)
    {
        if (turn.ValueKind != JsonValueKind.Object) return $"is {JsonNames.Kind(turn)}; expected an object with from and value";
        if (!turn.TryGetProperty("from"u8, out var from)) return $"has no \"from\"; it has {JsonNames.Keys(turn)}";
        if (!turn.TryGetProperty("value"u8, out var value)) return $"has no \"value\"; it has {JsonNames.Keys(turn)}";
        if (from.ValueKind != JsonValueKind.String) return $"has a \"from\" that is {JsonNames.Kind(from)}; expected one of {Speakers}";
        if (value.ValueKind != JsonValueKind.String) return $"has a \"value\" that is {JsonNames.Kind(value)}; expected a text";
        var said = value.GetString()!;
        switch (from.GetString())
        {
            case "human" or "user":
                builder.Add("user", said);
                return null;
            case "gpt" or "assistant" or "chatgpt" or "bing" or "bard" or "model":
                builder.Add("assistant", said);
                return null;
            case "system":
                builder.Add("system", said);
                return null;
            case "observation" or "tool" or "function_response":
                builder.Add("tool", said);
                return null;
            case "function_call":
                if (Calls(said) is { } calls) builder.AddCalls(calls);
                else
                {
                    row.Warn($"a function_call is not JSON with name and arguments, and is kept as plain text: {said}");
                    builder.Add("assistant", said);
                }
                return null;
            case var unknown:
                return $"has the unknown \"from\" \"{unknown}\"; expected one of {Speakers}";
        }
    }

    private static List<JsonElement>? Calls(string text)
    {
        try
        {
            var value = JsonElement.Parse(text);
            var calls = value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().ToList() : [value];
            return calls.Count > 0 && calls.TrueForAll(c => c.ValueKind == JsonValueKind.Object && c.TryGetProperty("name"u8, out _)) ? calls : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
