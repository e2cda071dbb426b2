using System.Globalization;
using System.Text.Json;

namespace LowRank.Training.Data.Formats;

/// <summary>Checks the form of a list of messages; what the turns say to each other is <see cref="ConversationChecks"/>'.</summary>
internal static class MessageList
{
    /// <summary>The names under which a message holds its reasoning; templates read whichever they know.</summary>
    public static readonly string[] Reasoning = ["reasoning_content", "thinking", "reasoning"];

    public static readonly string[] Roles = ["system", "developer", "user", "assistant", "tool", "function"];

    /// <summary>The list with contents in parts joined into texts, or null after errors were reported (all of the list's).</summary>
    public static JsonElement? Read(JsonElement list, string field, RowContext row)
    {
        if (list.ValueKind != JsonValueKind.Array)
        {
            row.Error($"\"{field}\" is {JsonNames.Kind(list)}; expected a list of messages");
            return null;
        }
        if (list.GetArrayLength() == 0)
        {
            row.Error($"\"{field}\" is empty; expected at least one message");
            return null;
        }
        var (number, sound, parts) = (0, true, false);
        foreach (var message in list.EnumerateArray())
        {
            if (Fault(message, out var hasParts) is { } fault)
            {
                row.Error(string.Create(CultureInfo.InvariantCulture, $"message {number + 1} {fault}"));
                sound = false;
            }
            parts |= hasParts;
            number++;
        }
        return !sound ? null : parts ? JoinParts(list) : list;
    }

    /// <summary>A list of messages, or a text as the one message of a role.</summary>
    public static JsonElement? ReadOrText(JsonElement value, string role, string field, RowContext row)
    {
        if (value.ValueKind != JsonValueKind.String) return Read(value, field, row);
        var builder = new MessageListBuilder();
        builder.Add(role, value.GetString()!);
        return builder.Build();
    }

    /// <summary>Whether the loss may count this message: an assistant turn without <c>"weight": 0</c> and <c>"train": false</c>.</summary>
    public static bool IsLearned(JsonElement message) =>
        Role(message) == "assistant" && !(message.TryGetProperty("weight"u8, out var weight) && weight.ValueKind == JsonValueKind.Number && weight.GetDouble() == 0)
        && !(message.TryGetProperty("train"u8, out var train) && train.ValueKind == JsonValueKind.False);

    public static string Role(JsonElement message) => message.GetProperty("role"u8).GetString()!;

    private static string? Fault(JsonElement message, out bool hasParts)
    {
        hasParts = false;
        if (message.ValueKind != JsonValueKind.Object) return $"is {JsonNames.Kind(message)}; expected an object with role and content";
        if (!message.TryGetProperty("role"u8, out var role)) return $"has no role; it has {JsonNames.Keys(message)}";
        if (role.ValueKind != JsonValueKind.String) return $"has a role that is {JsonNames.Kind(role)}; expected one of {string.Join(", ", Roles)}";
        if (!Roles.Contains(role.GetString(), StringComparer.Ordinal))
            return $"has the unknown role \"{role.GetString()}\"; expected one of {string.Join(", ", Roles)}";
        if (message.TryGetProperty("weight"u8, out var weight) && weight.ValueKind != JsonValueKind.Null && !(weight.ValueKind == JsonValueKind.Number && weight.GetDouble() is 0 or 1))
            return $"has the weight {weight.GetRawText()}; expected 0 or 1";
        if (message.TryGetProperty("train"u8, out var train) && train.ValueKind is not (JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null))
            return $"has a \"train\" that is {JsonNames.Kind(train)}; expected true or false";
        foreach (var name in Reasoning)
            if (message.TryGetProperty(name, out var thought) && thought.ValueKind is not (JsonValueKind.String or JsonValueKind.Null))
                return $"has a \"{name}\" that is {JsonNames.Kind(thought)}; expected a text";
        var calls = message.TryGetProperty("tool_calls"u8, out var list) && list.ValueKind != JsonValueKind.Null;
        if (calls && list.ValueKind != JsonValueKind.Array) return $"has tool_calls that are {JsonNames.Kind(list)}; expected a list";
        if (!message.TryGetProperty("content"u8, out var content)) return calls ? null : $"has no content; it has {JsonNames.Keys(message)}";
        return content.ValueKind switch
        {
            JsonValueKind.String => null,
            JsonValueKind.Null => calls || message.TryGetProperty("function_call"u8, out _) ? null : "has a content that is null; expected a text",
            JsonValueKind.Array => PartsFault(content, out hasParts),
            _ => $"has a content that is {JsonNames.Kind(content)}; expected a text",
        };
    }

    private static string? PartsFault(JsonElement content, out bool hasParts)
    {
        hasParts = true;
        foreach (var part in content.EnumerateArray())
        {
            if (part.ValueKind != JsonValueKind.Object) return $"has a content part that is {JsonNames.Kind(part)}; expected {{\"type\": \"text\", \"text\": …}}";
            if (ThoughtOf(part) is not null) continue;
            if (part.TryGetProperty("type"u8, out var type) && type.ValueKind == JsonValueKind.String && type.GetString() != "text")
                return $"has a content part of type \"{type.GetString()}\"; only text can be trained on";
            if (!part.TryGetProperty("text"u8, out var text) || text.ValueKind != JsonValueKind.String) return "has a content part without a text";
        }
        return null;
    }

    /// <summary>The text of a part that holds reasoning, such as <c>{"type": "thinking", "thinking": …}</c>; null for other parts.</summary>
    private static string? ThoughtOf(JsonElement part)
    {
        if (part.ValueKind != JsonValueKind.Object || !part.TryGetProperty("type"u8, out var type) || type.ValueKind != JsonValueKind.String) return null;
        if (type.GetString() is not ("thinking" or "reasoning")) return null;
        foreach (var name in (ReadOnlySpan<string>)["thinking", "reasoning", "text"])
            if (part.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String) return text.GetString();
        return null;
    }

    private static JsonElement JoinParts(JsonElement list)
    {
        var builder = new MessageListBuilder();
        foreach (var message in list.EnumerateArray())
        {
            if (message.TryGetProperty("content"u8, out var content) && content.ValueKind == JsonValueKind.Array)
            {
                var thoughts = content.EnumerateArray().Select(ThoughtOf).OfType<string>().ToArray();
                var said = string.Concat(content.EnumerateArray().Where(p => ThoughtOf(p) is null).Select(p => p.GetProperty("text"u8).GetString()));
                builder.AddWithContent(message, said, thoughts.Length > 0 && !Reasoning.Any(n => message.TryGetProperty(n, out _)) ? string.Concat(thoughts) : null);
            }
            else builder.Add(message);
        }
        return builder.Build();
    }
}
