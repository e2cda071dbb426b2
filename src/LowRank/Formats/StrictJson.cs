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
    /// <exception cref="JsonException">It is no such JSON; with line and byte, but for a key that stands twice, which is named.</exception>
    public static JsonNode? Node(ReadOnlySpan<byte> utf8)
    {
        // First: the parser compares keys, and stumbles over one that is no text.
        RequireTexts(utf8);
        return JsonNode.Parse(utf8, documentOptions: Options);
    }

    /// <summary>The value.</summary>
    /// <exception cref="JsonException">It is no such JSON; with line and byte, but for a key that stands twice, which is named.</exception>
    public static JsonElement Element(ReadOnlySpan<byte> utf8)
    {
        RequireTexts(utf8);
        return JsonElement.Parse(utf8, Options);
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
