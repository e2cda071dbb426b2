using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;

namespace LowRank.Formats;

/// <summary>
/// Parses JSON so that it can be used without further care: no key stands twice in an object, and every key and text is Unicode. The parser leaves the first to those who look a key up, and
/// finds the second (half a surrogate pair as <c>\ud83d</c>, bytes that are no UTF-8) when a text is asked for, each as an exception of its own.
/// </summary>
internal static class StrictJson
{
    private static readonly JsonDocumentOptions Options = new() { AllowDuplicateProperties = false };

    /// <summary>The value as nodes.</summary>
    /// <exception cref="JsonException">It is no such JSON; with line and byte.</exception>
    public static JsonNode? Node(ReadOnlySpan<byte> utf8)
    {
        var node = JsonNode.Parse(utf8, documentOptions: Options);
        RequireTexts(utf8);
        return node;
    }

    /// <summary>The value.</summary>
    /// <exception cref="JsonException">It is no such JSON; with line and byte.</exception>
    public static JsonElement Element(ReadOnlySpan<byte> utf8)
    {
        var element = JsonElement.Parse(utf8, Options);
        RequireTexts(utf8);
        return element;
    }

    private static void RequireTexts(ReadOnlySpan<byte> utf8)
    {
        var isValid = Utf8.IsValid(utf8);
        var reader = new Utf8JsonReader(utf8);
        while (reader.Read())
        {
            if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName) || (isValid && !reader.ValueIsEscaped)) continue;
            try
            {
                reader.GetString();
            }
            catch (InvalidOperationException fault)
            {
                var before = utf8[..(int)reader.TokenStartIndex];
                throw new JsonException("a text holds half a surrogate pair (such as \\ud83d alone) or bytes that are not UTF-8; write its characters whole", null, before.Count((byte)'\n'), before.Length - (before.LastIndexOf((byte)'\n') + 1), fault);
            }
        }
    }
}
