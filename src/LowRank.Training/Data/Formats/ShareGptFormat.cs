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
        return row.Required("conversations", "a list of turns") is { } list && Turns(row, list, "conversations") is { } messages ? Finish(row, messages) : null;
    }

    /// <summary>The turns of a field as messages, or null after errors were reported.</summary>
    public static JsonElement? Turns(RowContext row, JsonElement list, string name)
    {
        var field = row.NameOf(name);
        var asMessages = list.ValueKind == JsonValueKind.Array && list.GetArrayLength() > 0 && list[0].ValueKind == JsonValueKind.Object && list[0].TryGetProperty("role"u8, out _) && row.Tags is null;
        if (asMessages || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() == 0)
            return MessageList.Read(list, field, row);

        var builder = new MessageListBuilder();
        if (name == "conversations" && row.Text("system", required: false) is { Length: > 0 } system) builder.Add("system", system);
        var (number, sound) = (0, true);
        foreach (var turn in list.EnumerateArray())
        {
            number++;
            if (Add(turn, builder, row) is not { } fault) continue;
            row.Error(string.Create(CultureInfo.InvariantCulture, $"turn {number} {fault}"));
            sound = false;
        }
        return sound ? builder.Build() : null;
    }

    private static DataRow Finish(RowContext row, JsonElement messages) =>
        MessagesFormat.Row(row, DataFormat.ShareGpt, messages, messages.EnumerateArray().Select(MessageList.IsLearned).ToArray(), ToolList.Read(row));

    private static string? Add(JsonElement turn, MessageListBuilder builder, RowContext row)
    {
        if (turn.ValueKind != JsonValueKind.Object) return $"is {JsonNames.Kind(turn)}; expected an object with from and value";
        var (role, content) = row.Tags is { } tags ? (tags.Role, tags.Content) : ("from", "value");
        if (!turn.TryGetProperty(role, out var from)) return $"has no \"{role}\"; it has {JsonNames.Keys(turn)}";
        if (!turn.TryGetProperty(content, out var value)) return $"has no \"{content}\"; it has {JsonNames.Keys(turn)}";
        if (from.ValueKind != JsonValueKind.String) return $"has a \"{role}\" that is {JsonNames.Kind(from)}; expected one of {Speakers}";
        if (value.ValueKind != JsonValueKind.String) return $"has a \"{content}\" that is {JsonNames.Kind(value)}; expected a text";
        var said = value.GetString()!;
        switch (row.Tags?.Speakers.GetValueOrDefault(from.GetString()!) ?? from.GetString())
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
                return $"has the unknown \"{role}\" \"{unknown}\"; expected one of {Speakers}";
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
