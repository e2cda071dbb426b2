using System.Text.Json;

namespace LowRank.Training.Data.Reading;

/// <summary>
/// The elements of one JSON array, or values that follow each other, read one by one over a window of the file: memory holds the value at hand, however long the file and its lines are.
/// </summary>
internal sealed class JsonValues(string path, ProblemList problems) : IDisposable
{
    private readonly ByteWindow window = new(path);
    private JsonReaderState state = new(new JsonReaderOptions { AllowMultipleValues = true });
    private LinePosition position = new(1, 0);
    private bool inArray, isPlaced;
    private int taken, number;

    /// <summary>The next value; null at the end, or behind a fault, which is told.</summary>
    public RawRow? Next()
    {
        if (!isPlaced) (position, isPlaced) = (new LinePosition(1, window.Offset), true);
        Take(taken);
        taken = 0;
        while (true)
        {
            try
            {
                if (TryRead(out var row)) return row;
            }
            catch (JsonException fault)
            {
                Report(fault);
                return null;
            }
            if (window.IsLast) return null;
            window.Fill();
        }
    }

    // A value that the window does not hold to its end is read again from its start, when there is more.
    private bool TryRead(out RawRow row)
    {
        var json = window.Unread;
        var reader = new Utf8JsonReader(json.Span, window.IsLast, state);
        row = default;
        while (true)
        {
            var (before, from) = (reader.CurrentState, (int)reader.BytesConsumed);
            if (!reader.Read())
            {
                (state, from) = (reader.CurrentState, (int)reader.BytesConsumed);
                Take(from);
                return false;
            }
            if (reader.CurrentDepth == 0 && reader.TokenType == JsonTokenType.StartArray) inArray = true;
            else if (reader.TokenType != JsonTokenType.EndArray || reader.CurrentDepth > 0 || !inArray)
            {
                var start = (int)reader.TokenStartIndex;
                if (!reader.TrySkip())
                {
                    state = before;
                    Take(from);
                    return false;
                }
                (state, taken) = (reader.CurrentState, (int)reader.BytesConsumed);
                var line = position.Behind(json.Span[..start], window.Offset).Line;
                row = new RawRow(json[start..taken], line, ++number, InArray: true, new RowPlace(window.Offset + start, taken - start));
                return true;
            }
        }
    }

    private void Take(int count)
    {
        position = position.Behind(window.Unread.Span[..count], window.Offset);
        window.Advance(count);
    }

    // The parser counts lines from 0, over all windows.
    private void Report(JsonException fault)
    {
        var line = position;
        var rest = window.Unread.Span;
        while (line.Line - 1 < (fault.LineNumber ?? 0) && rest.IndexOf((byte)'\n') is >= 0 and var end)
        {
            rest = rest[(end + 1)..];
            line = new LinePosition(line.Line + 1, window.Offset + window.Unread.Length - rest.Length);
        }
        var (column, at) = line.ColumnOf(path, line.Start + (fault.BytePositionInLine ?? 0));
        JsonFault.Report(fault, line.Line, column, at, problems, "file");
    }

    public void Dispose() => window.Dispose();
}
