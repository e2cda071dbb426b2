using System.Text;
using System.Text.Json;

namespace LowRank.Training.Trackers.Wandb;

/// <summary>Values as YAML in the layout of <c>config.yaml</c>: names in order, four spaces a level. Texts are always quoted, so that none is taken for a number or for true.</summary>
internal static class WandbYaml
{
    private const int Indent = 4;

    /// <summary>Writes values.</summary>
    public static string Write(NestedValues values)
    {
        var text = new StringBuilder();
        Map(text, Members(values), 0);
        return text.ToString();
    }

    private static IEnumerable<(string, object)> Members(NestedValues values) => values.Entries.Select(e => (e.Key, e.Value));

    private static void Map(StringBuilder text, IEnumerable<(string Name, object Value)> members, int level)
    {
        foreach (var (name, value) in members.OrderBy(m => m.Name, StringComparer.Ordinal))
        {
            text.Append(' ', Indent * level).Append(IsPlain(name) ? name : Quoted(name)).Append(':');
            Value(text, value, level + 1);
        }
    }

    // Behind a name or a dash: on the same line, or indented on the next ones.
    private static void Value(StringBuilder text, object value, int level)
    {
        switch (value)
        {
            case NestedValues inner when inner.Entries.Any():
                text.Append('\n');
                Map(text, Members(inner), level);
                break;
            case NestedValues: text.Append(" {}\n"); break;
            case string json: Json(text, json, level); break;
            default: Element(text, (JsonElement)value, level); break;
        }
    }

    private static void Json(StringBuilder text, string json, int level)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            Element(text, document.RootElement, level);
        }
        catch (JsonException)
        {
            // What JSON has no number for.
            text.Append(' ').Append(json switch { "NaN" => ".nan", "Infinity" => ".inf", "-Infinity" => "-.inf", _ => Quoted(json) }).Append('\n');
        }
    }

    private static void Element(StringBuilder text, JsonElement element, int level)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object when element.EnumerateObject().Any():
                text.Append('\n');
                Map(text, element.EnumerateObject().Select(p => (p.Name, (object)p.Value)), level);
                break;
            case JsonValueKind.Array when element.GetArrayLength() > 0:
                text.Append('\n');
                foreach (var item in element.EnumerateArray())
                {
                    // Lists and maps in a list stand on one line, in JSON's own form, which YAML has too.
                    text.Append(' ', Indent * level).Append("- ").Append(item.ValueKind == JsonValueKind.String ? Quoted(item.GetString()!) : item.GetRawText()).Append('\n');
                }
                break;
            case JsonValueKind.String: text.Append(' ').Append(Quoted(element.GetString()!)).Append('\n'); break;
            default: text.Append(' ').Append(element.GetRawText()).Append('\n'); break;
        }
    }

    private static string Quoted(string text) => JsonSerializer.Serialize(text, WandbJson.Relaxed);

    private static bool IsPlain(string name) =>
        name.Length > 0 && (char.IsAsciiLetter(name[0]) || name[0] == '_') && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-')
        && name.ToLowerInvariant() is not ("true" or "false" or "null" or "yes" or "no" or "on" or "off" or "y" or "n");
}
