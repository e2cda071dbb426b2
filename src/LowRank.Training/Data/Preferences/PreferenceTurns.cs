using System.Globalization;
using System.Text.Json;
using LowRank.Training.Data.Formats;

namespace LowRank.Training.Data.Preferences;

/// <summary>Turns of a preference in any form, as messages.</summary>
internal static class PreferenceTurns
{
    /// <summary>The messages of a field: a text (of the assistant, or of <paramref name="speaker"/>), one turn, or a list of turns. Null after an error was reported.</summary>
    public static JsonElement[]? Read(RowContext row, string field, JsonElement value, string speaker = "assistant")
    {
        var builder = new MessageListBuilder();
        if (value.ValueKind == JsonValueKind.String) builder.Add(speaker, value.GetString()!);
        else if (!IsShareGpt(value)) return Messages(row, field, value);
        else if (!AddTurns(row, field, value, builder)) return null;
        return [.. builder.Build().EnumerateArray()];
    }

    private static JsonElement[]? Messages(RowContext row, string field, JsonElement value)
    {
        var list = value;
        if (value.ValueKind == JsonValueKind.Object)
        {
            var builder = new MessageListBuilder();
            builder.Add(value);
            list = builder.Build();
        }
        return MessageList.Read(list, row.NameOf(field), row) is { } read ? [.. read.EnumerateArray()] : null;
    }

    private static bool AddTurns(RowContext row, string field, JsonElement value, MessageListBuilder builder)
    {
        var (number, sound) = (0, true);
        foreach (var turn in value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : (JsonElement[])[value])
        {
            number++;
            if (ShareGptFormat.Add(turn, builder, row) is not { } fault) continue;
            row.Error(string.Create(CultureInfo.InvariantCulture, $"turn {number} of \"{row.NameOf(field)}\" {fault}"));
            sound = false;
        }
        return sound;
    }

    private static bool IsShareGpt(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => value.TryGetProperty("from"u8, out _),
        JsonValueKind.Array => value.GetArrayLength() > 0 && IsShareGpt(value[0]),
        _ => false,
    };
}
