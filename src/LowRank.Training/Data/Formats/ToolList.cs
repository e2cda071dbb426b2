using System.Buffers;
using System.Text.Json;

namespace LowRank.Training.Data.Formats;

/// <summary>The <c>tools</c> of a row: a list, or a text that holds one; bare functions are put into OpenAI's wrapper.</summary>
internal static class ToolList
{
    /// <summary>The tools, or null where there are none or an error was reported.</summary>
    public static JsonElement? Read(RowContext row)
    {
        if (!row.TryField("tools", out var tools)) return null;
        if (tools.ValueKind == JsonValueKind.String)
        {
            var text = tools.GetString()!;
            if (string.IsNullOrWhiteSpace(text)) return null;
            try
            {
                tools = JsonElement.Parse(text);
            }
            catch (JsonException)
            {
                row.Error($"\"{row.NameOf("tools")}\" is a text that is not JSON; expected a list of tools");
                return null;
            }
        }
        if (tools.ValueKind != JsonValueKind.Array)
        {
            row.Error($"\"{row.NameOf("tools")}\" is {JsonNames.Kind(tools)}; expected a list of tools");
            return null;
        }
        return tools.GetArrayLength() == 0 ? null : Wrapped(tools);
    }

    private static JsonElement Wrapped(JsonElement tools)
    {
        if (tools.EnumerateArray().All(t => !IsBare(t))) return tools;
        var bytes = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(bytes))
        {
            writer.WriteStartArray();
            foreach (var tool in tools.EnumerateArray())
            {
                if (IsBare(tool))
                {
                    writer.WriteStartObject();
                    writer.WriteString("type"u8, "function"u8);
                    writer.WritePropertyName("function"u8);
                    tool.WriteTo(writer);
                    writer.WriteEndObject();
                }
                else tool.WriteTo(writer);
            }
            writer.WriteEndArray();
        }
        return JsonElement.Parse(bytes.WrittenSpan);
    }

    private static bool IsBare(JsonElement tool) =>
        tool.ValueKind == JsonValueKind.Object && tool.TryGetProperty("name"u8, out _) && !tool.TryGetProperty("function"u8, out _);
}
