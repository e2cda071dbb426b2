using System.Text;
using CsCheck;
using LowRank.Training.Data;

namespace LowRank.Training.Tests.Data;

/// <summary>CSV and TSV, as RFC 4180 and Python's csv module have them.</summary>
public sealed class TableTests
{
    private static Dataset Load(string content, string extension = ".csv", DatasetOptions? options = null)
    {
        using var file = new TemporaryFile(content, extension);
        return Dataset.Load(file.Path, options);
    }

    private static string[] Faults(string content, string extension = ".csv", DatasetOptions? options = null)
    {
        using var file = new TemporaryFile(content, extension);
        var fault = Assert.Throws<DatasetException>(() => Dataset.Load(file.Path, options));
        return [.. fault.Problems.Select(p => p.ToString().Replace(file.Path, "F", StringComparison.Ordinal))];
    }

    [Fact]
    public void Fields_keep_separators_line_breaks_and_quotes()
    {
        var data = Load("prompt,completion\r\n\"a, \"\"b\"\"\",c\r\n\r\n\"two\r\nlines\",5\" disk\r\n,\"\"\"\"\r\nlast,row");
        Assert.Equal([("a, \"b\"", "c", 2), ("two\nlines", "5\" disk", 4), ("", "\"", 6), ("last", "row", 7)], data.Rows.Select(r => (r.Prompt!, r.Completion!, r.Line)));
        Assert.Empty(data.Problems);
        Assert.Equal([("a", "b\tc")], Load("prompt\tcompletion\na\t\"b\tc\"\n", ".tsv").Rows.Select(r => (r.Prompt!, r.Completion!)));
    }

    [Fact]
    public void Lists_stand_as_json_in_a_field()
    {
        var row = Load("id,messages\n1,\"[{\"\"role\"\": \"\"user\"\", \"\"content\"\": \"\"a\"\"}, {\"\"role\"\": \"\"assistant\"\", \"\"content\"\": \"\"b\"\"}]\"\n").Rows[0];
        Assert.Equal((DataFormat.Messages, "b"), (row.Format, row.Messages!.Value[1].GetProperty("content").GetString()));
        Assert.Equal([1, 2, 3], Load("input_ids,labels\n\"[1, 2, 3]\",\"[-100, 2, 3]\"\n").Rows[0].InputIds!);
        var judged = Load("prompt,completion,label\na,b,True\na,c,0\n");
        Assert.Equal([true, false], judged.Rows.Select(r => r.Label!.Value));
        Assert.Equal(["F:2: \"label\" is a string; expected true or false"], Faults("prompt,completion,label\na,b,yes\n"));
    }

    [Fact]
    public void A_header_that_is_not_known_is_told_with_what_to_do()
    {
        Assert.Equal(["F:1: no columns prompt and completion, nor any other shape that is known (instruction and output | text | messages | …); the header has \"question\", \"answer\"; map them: --columns prompt=question,completion=answer"],
            Faults("question,answer\na,b\n"));
        var options = new DatasetOptions { Columns = LowRank.Training.Data.Sources.ColumnMap.Parse("prompt=question,response=answer") };
        Assert.Equal(("a", "b"), (Load("question,answer\na,b\n", options: options).Rows[0].Prompt, Load("question,answer\na,b\n", options: options).Rows[0].Completion));
        Assert.Equal(["F:1: the column \"prompt\" stands twice in the header; give each its own name"], Faults("prompt,completion,prompt\na,b,c\n"));
        Assert.Equal(["F:1: no rows; every line is blank or the list is empty"], Faults("prompt,completion\n"));
    }

    [Fact]
    public void All_bad_records_are_told_with_line_and_column() => Assert.Equal(
        [
            "F:2: 1 field instead of the 2 of the header (prompt, completion)",
            "F:3:4: text stands behind a closing quote; expected the separator, or the quote written twice",
            "F:6:3: a quote that is never closed; what follows is one field up to the end of the file. Close it, or write a quote that belongs to the text twice inside quotes",
        ], Faults("prompt,completion\na\n\"b\"c,d\n\"e\nf\",g\nh,\"i\nj,k\n"));

    [Fact]
    public void Any_fields_come_back_kept_or_read_again() => Gen.Select(Gen.Char["abc\",\né"].Array[1, 8].Select(c => new string(c)), Gen.Bool).Array[2, 12].Sample(fields =>
    {
        var text = new StringBuilder("prompt,completion\n");
        for (var i = 0; i + 1 < fields.Length; i += 2) text.Append(Written(fields[i])).Append(',').Append(Written(fields[i + 1])).Append(i % 4 == 0 ? "\r\n" : "\n");
        (string, string)[] expected = [.. fields.Chunk(2).Where(p => p.Length == 2).Select(p => (p[0].Item1, p[1].Item1))];
        using var file = new TemporaryFile(text.ToString(), ".csv");
        Assert.Equal(expected, Dataset.Load(file.Path).Rows.Select(r => (r.Prompt!, r.Completion!)));
        Assert.Equal(expected, Dataset.Load(file.Path, new DatasetOptions { InMemoryBytes = 0 }).Rows.Select(r => (r.Prompt!, r.Completion!)));
    }, iter: 500);

    private static string Written((string Text, bool Quoted) field) =>
        field.Quoted || field.Text.AsSpan().IndexOfAny('"', ',', '\n') >= 0 ? $"\"{field.Text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : field.Text;
}
