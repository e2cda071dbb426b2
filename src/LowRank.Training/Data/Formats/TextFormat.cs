using System.Text;
using LowRank.Training.Data.Reading;

namespace LowRank.Training.Data.Formats;

/// <summary>Plain texts: the field <c>text</c>, or a text file cut into paragraphs, lines, or not at all.</summary>
internal static class TextFormat
{
    public static DataRow? Read(RowContext row)
    {
        if (row.Text("text", required: true) is not { } text) return null;
        if (string.IsNullOrWhiteSpace(text)) row.WarnNothingToLearn($"\"{row.NameOf("text")}\" is empty or blank");
        return new DataRow { File = row.File, Line = row.Line, Number = row.Number, Format = DataFormat.Text, Text = text, NothingToLearn = row.NothingToLearn };
    }

    /// <summary>The rows of a plain text file.</summary>
    public static List<DataRow> ReadFile(string path, TextSplit split, ProblemList problems)
    {
        var rows = new List<DataRow>();
        var (text, begin) = (new StringBuilder(), 0);
        using var lines = new LineReader(path);
        if (lines.IsEmpty) problems.Error(1, "the file is empty");
        while (lines.Read())
        {
            var line = lines.Line.Span;
            if (TextCheck.Find(line) is { } fault)
            {
                problems.Error(lines.Number, fault.Message, TextCheck.Column(line, fault.Offset));
                continue;
            }
            if (TextCheck.IsBlank(line) && split != TextSplit.File)
            {
                Take();
                continue;
            }
            if (text.Length == 0 && begin == 0) begin = lines.Number;
            else text.Append('\n');
            text.Append(Encoding.UTF8.GetString(line));
            if (split == TextSplit.Line) Take();
        }
        Take();
        return rows;

        void Take()
        {
            if (begin > 0 && !string.IsNullOrWhiteSpace(text.ToString()))
                rows.Add(new DataRow { File = path, Line = begin, Number = rows.Count + 1, Format = DataFormat.Text, Text = text.ToString() });
            text.Clear();
            begin = 0;
        }
    }
}
