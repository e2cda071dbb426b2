using System.Buffers;
using System.Text.Json;

namespace LowRank.Training.Data.Formats;

/// <summary>Builds a conversation in OpenAI's form from rows that have another one.</summary>
internal sealed class MessageListBuilder
{
    private readonly ArrayBufferWriter<byte> bytes = new();
    private readonly Utf8JsonWriter writer;

    public MessageListBuilder()
    {
        writer = new Utf8JsonWriter(bytes);
        writer.WriteStartArray();
    }

    public void Add(string role, string content)
    {
        writer.WriteStartObject();
        writer.WriteString("role"u8, role);
        writer.WriteString("content"u8, content);
        writer.WriteEndObject();
    }

    /// <summary>A message as it is, save for its content, and with its reasoning where that stood in the content.</summary>
    public void AddWithContent(JsonElement message, string content, string? reasoning = null)
    {
        writer.WriteStartObject();
        foreach (var member in message.EnumerateObject())
        {
            if (member.NameEquals("content"u8)) writer.WriteString("content"u8, content);
            else member.WriteTo(writer);
        }
        if (reasoning is not null) writer.WriteString("reasoning_content"u8, reasoning);
        writer.WriteEndObject();
    }

    public void Add(JsonElement message) => message.WriteTo(writer);

    /// <summary>An assistant turn that calls functions. Arguments stay objects, as chat templates expect them.</summary>
    public void AddCalls(IEnumerable<JsonElement> calls)
    {
        writer.WriteStartObject();
        writer.WriteString("role"u8, "assistant"u8);
        // Null as in OpenAI's rows: some templates tell by it that the turn calls tools.
        writer.WriteNull("content"u8);
        writer.WriteStartArray("tool_calls"u8);
        foreach (var call in calls)
        {
            writer.WriteStartObject();
            writer.WriteString("type"u8, "function"u8);
            writer.WritePropertyName("function"u8);
            call.WriteTo(writer);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    public JsonElement Build()
    {
        writer.WriteEndArray();
        writer.Dispose();
        return JsonElement.Parse(bytes.WrittenSpan);
    }
}
