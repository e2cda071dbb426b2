using System.Text.Json;

namespace LowRank.Training.Data.Reading;

/// <summary>Turns a <see cref="JsonException"/> into a message for the user: line, column, and what was expected.</summary>
internal static class JsonFault
{
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
        var (at, message, column) = (firstLine + lineInText, "not JSON: " + Describe(fault, line, offset, whole), TextCheck.Column(line, offset));
        // What stands behind a fault of a whole file is lost, so that leaving out one row is not enough.
        if (whole == "file") problems.Fatal(at, message, column);
        else problems.Error(at, message, column);
    }

    private static string Describe(JsonException fault, ReadOnlySpan<byte> line, int offset, string whole)
    {
        var message = fault.Message;
        foreach (var tail in new[] { " Path: ", " LineNumber: " })
            if (message.IndexOf(tail, StringComparison.Ordinal) is > 0 and var at) message = message[..at];
        if (message.Contains("trailing comma", StringComparison.Ordinal))
            return "a comma before the closing brace or bracket; expected another value";
        if (message.Contains("end of data", StringComparison.Ordinal) || message.Contains("end of the JSON payload", StringComparison.Ordinal)
            || message.Contains("does not contain any JSON tokens", StringComparison.Ordinal))
            return $"the {whole} ends before the value is complete; expected the rest of it (was the file cut off?)";
        if (offset < line.Length && line[offset] == '\'')
            return "single quotes; JSON takes double quotes around keys and texts (is it a printed Python dict?)";
        if (message.Contains("without a matching open", StringComparison.Ordinal) && offset < line.Length)
            return line[offset] == ']' ? "']' where a '{' is still open; expected ',' or '}'" : "'}' where a '[' is still open; expected ',' or ']'";
        return message.TrimEnd('.').Replace("Expected", "expected", StringComparison.Ordinal).Replace(". expected", "; expected", StringComparison.Ordinal);
    }
}
