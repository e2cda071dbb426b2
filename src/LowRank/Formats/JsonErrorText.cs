using System.Globalization;
using System.Text.Json;

namespace LowRank.Formats;

/// <summary>Says where and why a text is not JSON, counting lines and columns from 1 as editors do.</summary>
internal static class JsonErrorText
{
    /// <summary>For example "line 2, column 22: '}' is an invalid start of a value". Columns count UTF-8 bytes.</summary>
    public static string Of(JsonException error)
    {
        // System.Text.Json appends its own zero-based position to the message.
        var message = error.Message;
        foreach (var suffix in (ReadOnlySpan<string>)[" Path: $", " LineNumber: "])
        {
            var at = message.LastIndexOf(suffix, StringComparison.Ordinal);
            if (at > 0) message = message[..at];
        }
        return string.Create(CultureInfo.InvariantCulture, $"line {error.LineNumber + 1}, column {error.BytePositionInLine + 1}: {message.TrimEnd('.', ' ')}");
    }
}
