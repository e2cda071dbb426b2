using System.Text.Json;

namespace LowRank.Training.Data.Reading;

/// <summary>Finds out by the beginning of a JSON file whether it holds a value a line, or an array. A line is not kept: that of an array can be the whole file.</summary>
internal static class JsonProbe
{
    /// <summary>
    /// Lines, if the first line that is not blank is a complete JSON value. A single line that is an array of objects is an array, and
    /// a file named .jsonl is read line by line whatever its first line holds, unless that begins an array.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="problems">Takes the error of an empty file.</param>
    public static (bool IsLines, bool IsArray) Of(string path, ProblemList problems)
    {
        using var window = new ByteWindow(path);
        if (window.IsLast && window.Unread.Length == 0 && window.Offset == 0) problems.Fatal(1, "the file is empty");
        if (First(window) is not { } first) return (true, false);
        var isArray = first == '[';
        var named = Path.GetExtension(path).ToLowerInvariant() is ".jsonl" or ".ndjson";
        if (!isArray && (named || first != '{')) return (true, false);
        var isComplete = IsComplete(window);
        return (isComplete && (!isArray || First(window) is not null), isArray);
    }

    // The first byte that is no white space; what stands before it is taken.
    private static byte? First(ByteWindow window)
    {
        while (true)
        {
            var at = window.Unread.Span.IndexOfAnyExcept(" \t\r\n"u8);
            if (at >= 0)
            {
                window.Advance(at);
                return window.Unread.Span[0];
            }
            window.Advance(window.Unread.Length);
            if (!window.Fill()) return null;
        }
    }

    // Whether the rest of the line is one value. The line is taken, as far as it was read.
    private static bool IsComplete(ByteWindow window)
    {
        var state = default(JsonReaderState);
        while (true)
        {
            var end = window.Unread.Span.IndexOf((byte)'\n');
            var isWhole = end >= 0 || window.IsLast;
            var line = end >= 0 ? window.Unread.Span[..end] : window.Unread.Span;
            try
            {
                var reader = new Utf8JsonReader(line, isWhole, state);
                while (reader.Read()) { }
                if (isWhole)
                {
                    window.Advance(line.Length);
                    return true;
                }
                state = reader.CurrentState;
                window.Advance((int)reader.BytesConsumed);
            }
            catch (JsonException)
            {
                return false;
            }
            window.Fill();
        }
    }
}
