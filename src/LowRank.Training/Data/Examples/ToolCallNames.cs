using System.Text.Json;
using LowRank.Models.Templates;

namespace LowRank.Training.Data;

/// <summary>Whether a template printed the tool calls of a turn.</summary>
internal static class ToolCallNames
{
    /// <summary>True if the message calls a tool whose name is nowhere in the text.</summary>
    public static bool Missing(ChatMessage message, string rendered)
    {
        if (message.ToolCalls is not JsonElement { ValueKind: JsonValueKind.Array } calls) return false;
        foreach (var call in calls.EnumerateArray())
        {
            if (call.ValueKind != JsonValueKind.Object) continue;
            var function = call.TryGetProperty("function"u8, out var inner) && inner.ValueKind == JsonValueKind.Object ? inner : call;
            if (function.TryGetProperty("name"u8, out var name) && name.ValueKind == JsonValueKind.String
                && !rendered.Contains(name.GetString()!, StringComparison.Ordinal)) return true;
        }
        return false;
    }
}
