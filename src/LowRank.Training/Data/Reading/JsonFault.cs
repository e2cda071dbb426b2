using System.Text.Json;

namespace LowRank.Training.Data.Reading;

/// <summary>Turns a <see cref="JsonException"/> into a message for the user: line, column, and what was expected.</summary>
internal static class JsonFault
{
    /// <summary>Tells what is wrong with text that is at hand.</summary>
    /// <param name="fault">What the parser threw.</param>
    /// <param name="json">All the text that was parsed.</param>
    /// <param name="firstLine">The line of the file on which that text begins.</param>
    /// <param name="problems">Takes the error.</param>
    /// <param name="whole">What ends too early when the text is cut: "line" or "file".</param>
    public static void Report(JsonException fault, ReadOnlySpan<byte> json, int firstLine, ProblemList problems, string whole)
    {
        var lineInText = (int)(fault.LineNumber ?? 0);
        var line = json;
        for (var i = 0; i < lineInText && line.IndexOf((byte)'\n') is >= 0 and var end; i++) line = line[(end + 1)..];
        if (line.IndexOf((byte)'\n') is >= 0 and var length) line = line[..length];
        var offset = (int)(fault.BytePositionInLine ?? 0);
        Report(fault, firstLine + lineInText, TextCheck.Column(line, offset), offset < line.Length ? line[offset] : null, problems, whole);
    }

    /// <summary>Tells what is wrong at a place.</summary>
    /// <param name="fault">What the parser threw.</param>
    /// <param name="line">The line of the file.</param>
    /// <param name="column">The column.</param>
    /// <param name="at">The byte that stands there; null where the text ends.</param>
    /// <param name="problems">Takes the error.</param>
    /// <param name="whole">What ends too early when the text is cut: "line" or "file".</param>
    public static void Report(JsonException fault, int line, int column, byte? at, ProblemList problems, string whole)
    {
        var message = "not JSON: " + Describe(fault, at, whole);
        // What stands behind a fault of a whole file is lost, so that leaving out one row is not enough.
        if (whole == "file") problems.Fatal(line, message, column);
        else problems.Error(line, message, column);
    }

    private static string Describe(JsonException fault, byte? next, string whole)
    {
        var message = fault.Message;
        foreach (var tail in new[] { " Path: ", " LineNumber: " })
            if (message.IndexOf(tail, StringComparison.Ordinal) is > 0 and var at) message = message[..at];
        if (message.Contains("trailing comma", StringComparison.Ordinal))
            return "a comma before the closing brace or bracket; expected another value";
        if (message.Contains("end of data", StringComparison.Ordinal) || message.Contains("end of the JSON payload", StringComparison.Ordinal)
            || message.Contains("does not contain any JSON tokens", StringComparison.Ordinal))
            return $"the {whole} ends before the value is complete; expected the rest of it (was the file cut off?)";
        if (next == '\'')
            return "single quotes; JSON takes double quotes around keys and texts (is it a printed Python dict?)";
        if (message.Contains("without a matching open", StringComparison.Ordinal) && next is not (null or (byte)'\n'))
            return next == ']' ? "']' where a '{' is still open; expected ',' or '}'" : "'}' where a '[' is still open; expected ',' or ']'";
        return message.TrimEnd('.').Replace("Expected", "expected", StringComparison.Ordinal).Replace(". expected", "; expected", StringComparison.Ordinal);
    }
}
