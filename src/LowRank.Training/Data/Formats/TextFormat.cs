namespace LowRank.Training.Data.Formats;

/// <summary>Plain texts: the field <c>text</c>.</summary>
internal static class TextFormat
{
    public static DataRow? Read(RowContext row)
    {
        if (row.Text("text", required: true) is not { } text) return null;
        if (string.IsNullOrWhiteSpace(text)) row.WarnNothingToLearn($"\"{row.NameOf("text")}\" is empty or blank");
        return new DataRow { File = row.File, Line = row.Line, Number = row.Number, Format = DataFormat.Text, Text = text, NothingToLearn = row.NothingToLearn };
    }
}
