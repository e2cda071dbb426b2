using System.Text.Json;
using LowRank.Training.Data.Formats;

namespace LowRank.Training.Data.Preferences;

/// <summary>The prompt of a preference, where it has a field of its own.</summary>
internal static class PreferencePrompt
{
    private static readonly string[] Fields = ["prompt", "conversations", "messages"];

    /// <summary>Whether nothing before the answers is a conversation.</summary>
    public static bool IsText(RowContext row) =>
        !row.TryField("conversations", out _) && !row.TryField("messages", out _)
        && !(row.TryField("system", out var system) && system.ValueKind == JsonValueKind.String && system.GetString()!.Length > 0)
        && !(row.TryField("prompt", out var prompt) && prompt.ValueKind is JsonValueKind.Array or JsonValueKind.Object);

    /// <summary>The text of <c>prompt</c>, or of <c>instruction</c> and <c>input</c> as Alpaca rows join them. Null after an error was reported.</summary>
    public static string? Text(RowContext row)
    {
        if (row.TryField("prompt", out _)) return row.Text("prompt", required: true);
        var (instruction, input) = (row.Text("instruction", required: true), row.Text("input", required: false));
        return instruction is null || string.IsNullOrEmpty(input) ? instruction : instruction.Length == 0 ? input : instruction + "\n" + input;
    }

    /// <summary>The messages before the answers. Null after an error was reported.</summary>
    public static JsonElement[]? Turns(RowContext row)
    {
        var field = Array.Find(Fields, f => row.TryField(f, out _));
        if (field is null && !row.TryField("instruction", out _))
        {
            row.Error($"there is no prompt: expected \"{row.NameOf("prompt")}\", \"conversations\" or \"messages\", or answers that begin with the same messages; the row has {JsonNames.Keys(row.Row)}");
            return null;
        }
        var turns = field is not null && row.TryField(field, out var value) ? PreferenceTurns.Read(row, field, value, speaker: "user") : Text(row) is { } asked ? [Message("user", asked)] : null;
        if (turns is null || row.Text("system", required: false) is not { Length: > 0 } system || MessageList.Role(turns[0]) == "system") return turns;
        return [Message("system", system), .. turns];
    }

    private static JsonElement Message(string role, string content)
    {
        var builder = new MessageListBuilder();
        builder.Add(role, content);
        return builder.Build()[0];
    }
}
