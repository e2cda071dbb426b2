using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace LowRank.Training.Data.Reading;

/// <summary>Parses the JSON of one row; mends what can be mended (unpaired surrogates, repeated keys) with a warning.</summary>
internal static class RowParser
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };
    private static readonly JsonDocumentOptions Lax = new() { AllowDuplicateProperties = true };

    /// <summary>The row, or null after an error was reported.</summary>
    public static JsonElement? Parse(RawRow row, ProblemList problems)
    {
        var json = row.Json.Span;
        if (ReplaceUnpairedSurrogates(json) is > 0 and var replaced)
            problems.Warn(row.Line, string.Create(CultureInfo.InvariantCulture, $"{replaced} unpaired surrogate {(replaced == 1 ? "escape" : "escapes")}, read as U+FFFD"));
        try
        {
            return JsonElement.Parse(json, Strict);
        }
        catch (JsonException)
        {
            // Either a repeated key, which the lax reading accepts, or no JSON at all.
        }
        try
        {
            var lax = JsonElement.Parse(json, Lax);
            var repeated = new List<string>();
            var resolved = LastOfEachKey(lax, repeated);
            problems.Warn(row.Line, $"the key {string.Join(", ", repeated.Distinct(StringComparer.Ordinal).Select(k => $"\"{k}\""))} stands twice in one object; the last value is taken");
            return resolved;
        }
        catch (JsonException fault)
        {
            JsonFault.Report(fault, json, row.Line, problems, "line");
            return null;
        }
    }

    /// <summary>
    /// A JSON escape can hold half of a surrogate pair (<c>\ud83d</c>), which is no text. As a damaged character it becomes U+FFFD,
    /// in place: both escapes are six bytes long. The number replaced.
    /// </summary>
    private static int ReplaceUnpairedSurrogates(Span<byte> json)
    {
        var count = 0;
        for (var at = 0; json[at..].IndexOf((byte)'\\') is >= 0 and var found;)
        {
            at += found;
            if (Escape(json[at..]) is not { } unit)
            {
                at = Math.Min(at + 2, json.Length);
                continue;
            }
            if (char.IsHighSurrogate(unit) && Escape(json[(at + 6)..]) is { } next && char.IsLowSurrogate(next))
            {
                at += 12;
                continue;
            }
            if (char.IsSurrogate(unit))
            {
                "\\ufffd"u8.CopyTo(json[at..]);
                count++;
            }
            at += 6;
        }
        return count;
    }

    /// <summary>The code unit of a <c>\uXXXX</c> at the start of the bytes, or null.</summary>
    private static char? Escape(ReadOnlySpan<byte> at) =>
        at.Length >= 6 && at[0] == '\\' && at[1] == 'u' && ushort.TryParse(at.Slice(2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var unit) ? (char)unit : null;

    /// <summary>A copy in which a repeated key has its last value, as Python's json reads it.</summary>
    private static JsonElement LastOfEachKey(JsonElement element, List<string> repeated)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(bytes)) Copy(element, writer, repeated);
        return JsonElement.Parse(bytes.WrittenSpan);
    }

    private static void Copy(JsonElement element, Utf8JsonWriter writer, List<string> repeated)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                var last = new OrderedDictionary<string, JsonElement>(StringComparer.Ordinal);
                foreach (var member in element.EnumerateObject())
                {
                    if (last.ContainsKey(member.Name)) repeated.Add(member.Name);
                    last[member.Name] = member.Value;
                }
                writer.WriteStartObject();
                foreach (var (name, value) in last)
                {
                    writer.WritePropertyName(name);
                    Copy(value, writer, repeated);
                }
                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in element.EnumerateArray()) Copy(item, writer, repeated);
                writer.WriteEndArray();
                break;
            default:
                element.WriteTo(writer);
                break;
        }
    }
}
