using System.Text.Json;

namespace LowRank.Training.Data.Formats;

/// <summary>What is odd about a conversation whose messages are each well formed: warnings only.</summary>
internal static class ConversationChecks
{
    public static void Run(JsonElement messages, bool[] learned, RowContext row)
    {
        if (RoleOrder(messages) is { Count: > 0 } odd)
            row.Warn(string.Join("; ", odd) + " (templates of some families raise an error for it)");
        ToolCalls(messages, row);
        Learnable(messages, learned, row);
    }

    private static List<string> RoleOrder(JsonElement messages)
    {
        var odd = new List<string>();
        string? previous = null;
        var (index, late) = (0, false);
        foreach (var message in messages.EnumerateArray())
        {
            var role = MessageList.Role(message);
            var isSystem = role is "system" or "developer";
            if (isSystem && index > 0 && previous is not ("system" or "developer")) late = true;
            if (role == "assistant" && previous is (null or "system" or "developer")) Once("begins with assistant");
            if (role == "user" && previous == "user") Once("two user turns in a row");
            if (role == "assistant" && previous == "assistant") Once("two assistant turns in a row");
            previous = role;
            index++;
        }
        if (late) odd.Add("system after the first message");
        if (odd.Count > 0 && previous != "assistant") odd.Add("no assistant turn at the end to learn from");
        return odd;

        void Once(string what)
        {
            if (!odd.Contains(what, StringComparer.Ordinal)) odd.Add(what);
        }
    }

    private static void ToolCalls(JsonElement messages, RowContext row)
    {
        var open = new List<string>();
        foreach (var message in messages.EnumerateArray())
        {
            var role = MessageList.Role(message);
            if (role is "tool" or "function")
            {
                // An answer without an id can only be the answer to what is open.
                if (message.TryGetProperty("tool_call_id"u8, out var answered) && answered.ValueKind == JsonValueKind.String) open.Remove(answered.GetString()!);
                else open.Clear();
                continue;
            }
            Unanswered(open, row);
            if (!message.TryGetProperty("tool_calls"u8, out var calls) || calls.ValueKind != JsonValueKind.Array) continue;
            foreach (var call in calls.EnumerateArray()) Call(call, open, row);
        }
        // Calls at the end of the row are what the row teaches; their answers need not be there.
    }

    private static void Unanswered(List<string> open, RowContext row)
    {
        foreach (var id in open) row.Warn($"the tool call {id} has no tool message");
        open.Clear();
    }

    private static void Call(JsonElement call, List<string> open, RowContext row)
    {
        if (call.ValueKind != JsonValueKind.Object) return;
        var id = call.TryGetProperty("id"u8, out var named) && named.ValueKind == JsonValueKind.String ? named.GetString()! : null;
        if (id is not null) open.Add(id);
        var function = call.TryGetProperty("function"u8, out var inner) && inner.ValueKind == JsonValueKind.Object ? inner : call;
        if (function.TryGetProperty("arguments"u8, out var arguments) && arguments.ValueKind == JsonValueKind.String && !IsJson(arguments.GetString()!))
            row.Warn($"the arguments of the tool call {id ?? "(without id)"} are not JSON: {arguments.GetString()}");
    }

    private static bool IsJson(string text)
    {
        try
        {
            JsonElement.Parse(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static void Learnable(JsonElement messages, bool[] learned, RowContext row)
    {
        var (index, assistants) = (0, 0);
        foreach (var message in messages.EnumerateArray())
        {
            if (MessageList.Role(message) == "assistant") assistants++;
            if (learned[index++] && SaysSomething(message)) return;
        }
        row.WarnNothingToLearn(assistants switch
        {
            0 => "no assistant turn",
            _ when !learned.Contains(true) => "no assistant turn that is learned (weight 0, train false, or part of the prompt)",
            1 => "the only assistant turn is empty or blank",
            _ => "all assistant turns are empty or blank",
        });
    }

    /// <summary>Whether a turn has text, reasoning or calls.</summary>
    public static bool SaysSomething(JsonElement message) =>
        HasText(message, "content"u8) || HasText(message, "reasoning_content"u8) || HasText(message, "thinking"u8) || HasText(message, "reasoning"u8)
        || message.TryGetProperty("function_call"u8, out var call) && call.ValueKind == JsonValueKind.Object
        || message.TryGetProperty("tool_calls"u8, out var calls) && calls.ValueKind == JsonValueKind.Array && calls.GetArrayLength() > 0;

    private static bool HasText(JsonElement message, ReadOnlySpan<byte> field) =>
        message.TryGetProperty(field, out var text) && text.ValueKind == JsonValueKind.String && !string.IsNullOrWhiteSpace(text.GetString());
}
