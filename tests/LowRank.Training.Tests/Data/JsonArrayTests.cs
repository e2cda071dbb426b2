using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LowRank.Testing;
using LowRank.Training.Data;
using LowRank.Training.Data.Reading;

namespace LowRank.Training.Tests.Data;

/// <summary>JSON arrays are read element by element over a window of 64 KiB: the same rows, places and faults as of a file in one piece, and memory for one row.</summary>
public sealed class JsonArrayTests : IDisposable
{
    private const int Window = 1 << 16;
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    // Rows of many lengths, one of them longer than several windows, with letters of two to four bytes.
    private static JsonObject[] Objects(int count) => [.. Enumerable.Range(0, count).Select(i => new JsonObject
    {
        ["prompt"] = $"Question {i}: \"ä€𝄞\" \\ {new string('x', i * 37 % 500)}",
        ["completion"] = i == 11 ? new string('y', 5 * Window) : $"[{i}] {{answer}}\n",
    })];

    private static string Seen(DataRow row) => $"{row.Number} {row.Prompt} {row.Completion}";

    [Theory]
    [InlineData("one line"), InlineData("a row a line"), InlineData("indented"), InlineData("windows"), InlineData("mark"), InlineData("no array")]
    public void Rows_are_those_of_lines(string layout)
    {
        var objects = Objects(700);
        var lines = Dataset.Load(folder.Write("rows.jsonl", string.Concat(objects.Select(o => o.ToJsonString() + "\n"))));
        var indented = new JsonArray([.. objects.Select(o => o.DeepClone())]).ToJsonString(Indented);
        var text = layout switch
        {
            "one line" => $"[{string.Join(", ", objects.Select(o => o.ToJsonString()))}]",
            "a row a line" => $"[\n{string.Join(",\n", objects.Select(o => o.ToJsonString()))}\n]\n",
            "windows" => "\n\n" + indented.Replace("\n", "\r\n", StringComparison.Ordinal),
            "mark" => "\uFEFF" + indented,
            "no array" => string.Join("\n\n", objects.Select(o => o.ToJsonString(Indented))),
            _ => indented,
        };
        var path = folder.Write("rows.json", text);
        var data = Dataset.Load(path);
        Assert.Empty(data.Problems);
        Assert.Equal(lines.Rows.Select(Seen), data.Rows.Select(Seen));
        // Lines are those of an editor: a row begins where its brace stands.
        var starts = text.TrimStart('\uFEFF').Split('\n').Select((line, i) => (line, i)).Where(l => layout switch { "a row a line" => l.line.StartsWith('{'), "no array" => l.line == "{", _ => l.line.TrimEnd('\r') == "  {" }).Select(l => l.i + 1).ToArray();
        Assert.Equal(layout == "one line" ? Enumerable.Repeat(1, 700) : starts, data.Rows.Select(r => r.Line));
        // Rows that are not kept are found again by their places, in any order.
        var streamed = Dataset.Load(path, new DatasetOptions { InMemoryBytes = 0 });
        foreach (var i in (int[])[699, 0, 11, 12, 350]) Assert.Equal($"{data.Rows[i].Line} {Seen(data.Rows[i])}", $"{streamed.Rows[i].Line} {Seen(streamed.Rows[i])}");
    }

    [Theory]
    [InlineData("\"completion\": \"", "\"completion\" \""), InlineData("\"completion\": \"", "\"completion\": '"), InlineData("\n  },", "\n  ],"), InlineData("\n  },", ",\n  },"), InlineData("\n  },", "\n  }")]
    public void A_fault_has_the_line_and_column_that_a_parser_of_the_whole_finds(string sound, string faulty)
    {
        var text = new JsonArray([.. Objects(700)]).ToJsonString(Indented);
        // Far behind the first window.
        var at = text.IndexOf(sound, text.Length * 3 / 4, StringComparison.Ordinal);
        text = text[..at] + faulty + text[(at + sound.Length)..];
        var whole = Assert.ThrowsAny<JsonException>(() => JsonDocument.Parse(text));
        var fault = Assert.Throws<DatasetException>(() => Dataset.Load(folder.Write("rows.json", text)));
        var told = fault.Problems.First(p => p.Severity == ProblemSeverity.Error);
        var line = text.Split('\n')[(int)whole.LineNumber!.Value];
        var column = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(line)[..(int)whole.BytePositionInLine!.Value]).EnumerateRunes().Count() + 1;
        Assert.Equal(((int)whole.LineNumber + 1, column), (told.Line, told.Column));
        Assert.StartsWith("not JSON: ", told.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_cut_off_is_told()
    {
        var text = new JsonArray([.. Objects(700)]).ToJsonString(Indented);
        text = text[..(text.Length * 2 / 3)];
        var fault = Assert.Throws<DatasetException>(() => Dataset.Load(folder.Write("rows.json", text)));
        Assert.Contains("the file ends before the value is complete", Assert.Single(fault.Problems).Message, StringComparison.Ordinal);
        Assert.Equal(text.Count(c => c == '\n') + 1, fault.Problems[0].Line);
    }

    [Theory]
    [InlineData(0), InlineData(1), InlineData(2), InlineData(3), InlineData(4)]
    public void A_character_may_lie_on_the_edge_of_a_window(int shift)
    {
        // The clef's four bytes begin so many bytes before the end of the first window.
        var head = "[{\"prompt\":\"";
        var text = head + new string('a', Window - head.Length - shift) + "𝄞\",\"completion\":\"b\"}]";
        Assert.EndsWith("a𝄞", Assert.Single(Dataset.Load(folder.Write("rows.json", text)).Rows).Prompt, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new byte[] { 0xE9 }, "byte 0xE9 is not UTF-8"), InlineData(new byte[] { 0xF0, 0x9D }, "byte 0xF0 is not UTF-8"), InlineData(new byte[] { 0, 0, 0 }, "3 NUL bytes")]
    public void Bytes_that_are_no_text_are_told_with_their_place(byte[] bytes, string message)
    {
        var sound = Encoding.UTF8.GetBytes(new JsonArray([.. Objects(700)]).ToJsonString(Indented));
        foreach (var at in (int[])[40, Window - 1, 4 * Window + 17, sound.Length - 3])
        {
            // In front of a letter, so that no character is cut in two.
            var place = at;
            while (sound[place] >= 0x80) place--;
            byte[] text = [.. sound[..place], .. bytes, .. sound[place..]];
            File.WriteAllBytes(folder.At("rows.json"), text);
            var told = Assert.Single(Assert.Throws<DatasetException>(() => Dataset.Load(folder.At("rows.json"))).Problems);
            Assert.StartsWith(message, told.Message, StringComparison.Ordinal);
            var before = Encoding.UTF8.GetString(sound[..place]);
            Assert.Equal((before.Count(c => c == '\n') + 1, before[(before.LastIndexOf('\n') + 1)..].EnumerateRunes().Count() + 1), (told.Line, told.Column));
        }
    }

    [Fact]
    public void NUL_bytes_at_the_end_are_counted_over_windows()
    {
        File.WriteAllBytes(folder.At("rows.json"), [.. "[{\"prompt\": \"a\",\n"u8, .. new byte[3 * Window]]);
        var told = Assert.Single(Assert.Throws<DatasetException>(() => Dataset.Load(folder.At("rows.json"))).Problems);
        Assert.Equal((2, 1, $"{3 * Window} NUL bytes"), (told.Line, told.Column, told.Message.Split(',')[0]));
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public void Memory_does_not_grow_with_the_file(bool isOneLine)
    {
        var path = folder.At("large.json");
        var row = Encoding.UTF8.GetBytes(new JsonObject { ["prompt"] = new string('p', 700), ["completion"] = new string('c', 300) }.ToJsonString());
        const int rows = 50_000;
        using (var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 20))
        {
            file.WriteByte((byte)'[');
            for (var i = 0; i < rows; i++)
            {
                if (i > 0) file.Write(isOneLine ? ","u8 : ",\n"u8);
                file.Write(row);
            }
            file.WriteByte((byte)']');
        }
        Assert.InRange(new FileInfo(path).Length, 48L << 20, 52L << 20);
        var (read, bytes) = (0, 0L);
        void Take(RawRow raw) => (read, bytes) = (read + 1, bytes + raw.Json.Length);
        var before = GC.GetAllocatedBytesForCurrentThread();
        new JsonRows(path).Read(new ProblemList(path), Take);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal((rows, (long)rows * row.Length), (read, bytes));
        TestContext.Current.SendDiagnosticMessage($"{new FileInfo(path).Length:N0} bytes read, {allocated:N0} allocated");
        // Buffers of 64 KiB each for three passes (kind, text, values), and what opening files takes: a fiftieth of the file would already be a megabyte.
        Assert.InRange(allocated, 0, 1 << 20);
    }
}
