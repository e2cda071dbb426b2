using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LowRank.Adapters;

/// <summary>Writes a JSON document as Python's <c>json.dumps(indent=2)</c> does: ASCII, <c>[]</c> and <c>{}</c> for empty ones, no line end at the end.</summary>
internal static class PythonJson
{
    /// <summary>The text of a node. Members are written in the order of the objects; numbers keep the spelling they were made with.</summary>
    public static string Write(JsonNode? node)
    {
        var text = new StringBuilder();
        Write(node, 0, text);
        return text.ToString();
    }

    /// <summary>The node with the members of every object in the order of their names (<c>sort_keys=True</c>).</summary>
    public static JsonNode? Sorted(JsonNode? node) => node switch
    {
        JsonObject o => new JsonObject(o.OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => KeyValuePair.Create(m.Key, Sorted(m.Value)))),
        JsonArray a => new JsonArray([.. a.Select(Sorted)]),
        _ => node?.DeepClone(),
    };

    private static void Write(JsonNode? node, int depth, StringBuilder text)
    {
        switch (node)
        {
            case null:
                text.Append("null");
                break;
            case JsonObject { Count: 0 }:
                text.Append("{}");
                break;
            case JsonObject members:
                text.Append('{');
                var first = true;
                foreach (var (name, value) in members)
                {
                    if (!first) text.Append(',');
                    first = false;
                    Line(depth + 1, text);
                    WriteString(name, text);
                    text.Append(": ");
                    Write(value, depth + 1, text);
                }
                Line(depth, text);
                text.Append('}');
                break;
            case JsonArray { Count: 0 }:
                text.Append("[]");
                break;
            case JsonArray items:
                text.Append('[');
                for (var i = 0; i < items.Count; i++)
                {
                    if (i > 0) text.Append(',');
                    Line(depth + 1, text);
                    Write(items[i], depth + 1, text);
                }
                Line(depth, text);
                text.Append(']');
                break;
            default:
                if (node.GetValueKind() == JsonValueKind.String) WriteString(node.GetValue<string>(), text);
                else text.Append(node.ToJsonString());
                break;
        }
    }

    private static void Line(int depth, StringBuilder text) => text.Append('\n').Append(' ', 2 * depth);

    private static void WriteString(string value, StringBuilder text)
    {
        text.Append('"');
        foreach (var c in value)
            switch (c)
            {
                case '"': text.Append("\\\""); break;
                case '\\': text.Append("\\\\"); break;
                case '\n': text.Append("\\n"); break;
                case '\r': text.Append("\\r"); break;
                case '\t': text.Append("\\t"); break;
                case '\b': text.Append("\\b"); break;
                case '\f': text.Append("\\f"); break;
                case >= ' ' and <= '\x7f': text.Append(c); break;
                default: text.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture)); break;
            }
        text.Append('"');
    }
}
