using System.Text;
using CsCheck;
using LowRank.Training.Data;

namespace LowRank.Training.Tests.Data;

public sealed class DatasetTests
{
    private static Dataset Load(string content, string extension = ".jsonl", DatasetOptions? options = null)
    {
        using var file = new TemporaryFile(content, extension);
        return Dataset.Load(file.Path, options);
    }

    private static string[] Faults(string content, string extension = ".jsonl", DatasetOptions? options = null)
    {
        using var file = new TemporaryFile(content, extension);
        var fault = Assert.Throws<DatasetException>(() => Dataset.Load(file.Path, options));
        return [.. fault.Problems.Select(p => p.ToString().Replace(file.Path, "F", StringComparison.Ordinal))];
    }

    private static string Conversation(Dataset data, int row) => string.Join(" | ", data.Rows[row].Messages!.Value.EnumerateArray()
        .Select(m => $"{m.GetProperty("role").GetString()}: {(m.TryGetProperty("tool_calls", out var calls) ? calls.GetRawText() : m.GetProperty("content").GetString())}"));

    [Fact]
    public void Alpaca_joins_instruction_and_input_as_llama_factory()
    {
        var data = Load("""
            {"instruction": "Add.", "input": "1 2", "output": "3", "system": "S", "history": [["a", "b"]]}
            {"instruction": "Hi", "input": "", "output": "Ho"}
            {"instruction": "", "input": "only input", "output": "x"}
            """);
        Assert.Equal("system: S | user: a | assistant: b | user: Add.\n1 2 | assistant: 3", Conversation(data, 0));
        Assert.Equal("user: Hi | assistant: Ho", Conversation(data, 1));
        Assert.Equal("user: only input | assistant: x", Conversation(data, 2));
        Assert.Equal([false, false, true, false, true], data.Rows[0].Learned);
    }

    [Fact]
    public void Alpaca_takes_the_names_of_dolly()
    {
        var data = Load("""{"instruction": "I", "context": "C", "response": "R", "category": "x"}""");
        Assert.Equal((DataFormat.Alpaca, "user: I\nC | assistant: R"), (data.Format, Conversation(data, 0)));
    }

    [Fact]
    public void ShareGpt_function_calls_become_tool_calls()
    {
        var data = Load("""
            {"conversations": [{"from": "human", "value": "W?"}, {"from": "function_call", "value": "{\"name\": \"w\", \"arguments\": {\"c\": 1}}"}, {"from": "observation", "value": "18"}, {"from": "gpt", "value": "18 °C."}], "system": "S", "tools": "[{\"name\": \"w\"}]"}
            """);
        Assert.Equal("""system: S | user: W? | assistant: [{"type":"function","function":{"name":"w","arguments":{"c":1}}}] | tool: 18 | assistant: 18 °C.""", Conversation(data, 0));
        Assert.Equal("""[{"type":"function","function":{"name":"w"}}]""", data.Rows[0].Tools!.Value.GetRawText());
        Assert.Equal([false, false, true, false, true], data.Rows[0].Learned);
        Assert.Empty(data.Problems);
    }

    [Fact]
    public void Weight_zero_and_the_prompt_are_not_learned()
    {
        var data = Load("""{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": 0}, {"role": "user", "content": "c"}, {"role": "assistant", "content": "d", "weight": 1}]}""");
        Assert.Equal([false, false, false, true], data.Rows[0].Learned);
        data = Load("""{"prompt": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}], "completion": [{"role": "assistant", "content": "d"}]}""");
        Assert.Equal([false, false, false, true], data.Rows[0].Learned);
    }

    [Fact]
    public void Text_parts_are_joined_and_other_parts_refused()
    {
        Assert.Equal("user: one two | assistant: x", Conversation(Load(
            """{"messages": [{"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": " two"}]}, {"role": "assistant", "content": "x"}]}"""), 0));
        Assert.Equal(["F:1: message 1 has a content part of type \"image_url\"; only text can be trained on"], Faults(
            """{"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}, {"role": "assistant", "content": "x"}]}"""));
    }

    [Fact]
    public void Question_and_answer_are_prompt_and_completion()
    {
        var row = Load("""{"question": "1+1?", "answer": "2"}""").Rows[0];
        Assert.Equal(("1+1?", "2"), (row.Prompt, row.Completion));
    }

    [Fact]
    public void Columns_rename_fields()
    {
        var options = new DatasetOptions { Columns = new Dictionary<string, string> { ["prompt"] = "q", ["completion"] = "a" } };
        Assert.Equal("2", Load("""{"q": "1+1?", "a": "2"}""", options: options).Rows[0].Completion);
        Assert.Equal(["F:1: no field \"a\" (expected a text or a list of messages); the row has \"q\""],
            Faults("""{"q": "1+1?"}""", options: options with { Format = DataFormat.PromptCompletion }));
    }

    [Fact]
    public void All_problems_are_told_together_in_order() => Assert.Equal(
        [
            "F:1: the row is a number; expected an object",
            "F:3: no field \"messages\" (expected a list of messages); the row has \"x\"",
            "F:4:4: not JSON: single quotes; JSON takes double quotes around keys and texts (is it a printed Python dict?)",
            "F:5: message 1 has no role; it has \"content\"",
            "F:5: message 2 is a string; expected an object with role and content",
            "F:6:20: not JSON: ']' where a '{' is still open; expected ',' or '}'",
        ],
        Faults("""
            7
            {"messages": [{"role": "user", "content": "é"}, {"role": "assistant", "content": "x"}]}
            {"x": 1}
            {  'a': 1}
            {"messages": [{"content": "x"}, "y"]}
            {"é": [{"role": "u"]}
            """));

    [Fact]
    public void The_message_lists_twenty_and_counts_the_rest()
    {
        var good = """{"text": "x"}""";
        using var file = new TemporaryFile(good + "\n" + string.Concat(Enumerable.Repeat("{\"txt\": 1}\n", 300)));
        var fault = Assert.Throws<DatasetException>(() => Dataset.Load(file.Path));
        Assert.Equal(300, fault.Total);
        Assert.Equal(22, fault.Message.Split('\n').Length);
        Assert.EndsWith("\n  … and 280 more", fault.Message, StringComparison.Ordinal);
        Assert.StartsWith($"300 problems in {file.Path}:\n", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_shape_is_told_once_with_what_is_expected() => Assert.Equal(
        ["F:1: the shape is not known: the row has \"a\", \"b\"; expected messages | conversations | instruction and output | prompt and completion | question and answer | chosen and rejected | text | input_ids (fields of other names can be mapped with the columns setting)"],
        Faults("{\"a\": 1, \"b\": 2}\n{\"a\": 1, \"b\": 2}\n"));

    [Fact]
    public void A_row_without_anything_to_learn_loads_and_does_not_train()
    {
        var data = Load("""{"prompt": "p", "completion": "c"}""" + "\n" + """{"prompt": "p", "completion": " "}""");
        var fault = Assert.Throws<DatasetException>(data.RequireTrainable);
        Assert.Equal((2, ProblemSeverity.Error), (fault.Problems.Single().Line, fault.Problems.Single().Severity));
        Assert.EndsWith(":2: \"completion\" is empty or blank: nothing to learn from", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[{\"text\": \"a\"}, {\"text\": \"b\"}]", ".json", 2)]
    [InlineData("[{\"text\": \"a\"}, {\"text\": \"b\"}]", ".jsonl", 2)]
    [InlineData("{\"text\": \"a\"}\n{\"text\": \"b\"}", ".json", 2)]
    [InlineData("{\n \"text\": \"a\"\n}\n{\n \"text\": \"b\"\n}", ".json", 2)]
    [InlineData("{\n \"text\": \"a\"\n}", ".json", 1)]
    [InlineData("\n\n[\n]\n", ".json", -1)]
    [InlineData("{\"text\": \"a\"}\r\n{\"text\": \"b\"}\r\n", ".dat", 2)]
    public void The_content_decides_between_lines_and_array(string content, string extension, int rows)
    {
        if (rows < 0) Assert.Equal(["F:1: no rows; every line is blank or the list is empty"], Faults(content, extension));
        else Assert.Equal(rows, Load(content, extension).Rows.Count);
    }

    [Fact]
    public void A_cut_array_keeps_line_and_column()
    {
        Assert.Equal(["F:3:7: not JSON: the file ends before the value is complete; expected the rest of it (was the file cut off?)"],
            Faults("[\n {\"text\": \"a\"},\n  \"teé", ".json"));
    }

    [Theory]
    [InlineData(TextSplit.Paragraph, new[] { "a\nb", "c" }, new[] { 2, 6 }), InlineData(TextSplit.Line, new[] { "a", "b", "c" }, new[] { 2, 3, 6 }), InlineData(TextSplit.File, new[] { "\na\nb\n\n \nc" }, new[] { 1 })]
    public void Text_files_are_cut_as_asked(TextSplit split, string[] texts, int[] lines)
    {
        var data = Load("\na\r\nb\n\n \nc\n", ".txt", new DatasetOptions { TextSplit = split });
        Assert.Equal(texts, data.Rows.Select(r => r.Text));
        Assert.Equal(lines, data.Rows.Select(r => r.Line));
    }

    [Fact]
    public void Missing_file_folder_and_binary_files_are_named()
    {
        Assert.Equal("no-such.jsonl: there is no such file", Assert.Throws<DatasetException>(() => Dataset.Load("no-such.jsonl")).Message);
        Assert.Contains("this is a folder", Assert.Throws<DatasetException>(() => Dataset.Load(Path.GetTempPath())).Message, StringComparison.Ordinal);
        using var parquet = new TemporaryFile("PAR1xxxxxxxx"u8.ToArray(), ".data");
        Assert.Contains("the Parquet file is damaged: the footer is missing", Assert.Throws<DatasetException>(() => Dataset.Load(parquet.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_of_the_program_pass_the_same_checks()
    {
        var data = Dataset.FromConversations([[("user", "a"), ("assistant", "b")], [("user", "c")]]);
        Assert.Equal("user: a | assistant: b", Conversation(data, 0));
        Assert.Equal("data:2: no assistant turn: nothing to learn from", Assert.Throws<DatasetException>(data.RequireTrainable).Message);
        Assert.Equal("data:1: message 1 has the unknown role \"bot\"; expected one of system, developer, user, assistant, tool, function",
            Assert.Throws<DatasetException>(() => Dataset.FromConversations([[("bot", "x")]])).Message);
        Assert.Equal(("p", "c \ud83d\ude00"), (Dataset.FromPairs([("p", "c \ud83d\ude00")]).Rows[0].Prompt, Dataset.FromPairs([("p", "c \ud83d\ude00")]).Rows[0].Completion));
        Assert.Equal(2, Dataset.FromTexts(["a", "b"]).Rows.Count);
        Assert.Equal("data: no rows", Assert.Throws<DatasetException>(() => Dataset.FromTexts([])).Message);
    }

    [Fact]
    public void Lines_of_any_length_come_out_whole() => Gen.Select(Gen.Int[0, 200_000], Gen.Bool).Array[1, 6].Sample(lines =>
    {
        var texts = lines.Select((l, i) => new string((char)('a' + i), l.Item1) + "é😀").ToArray();
        using var file = new TemporaryFile(string.Concat(texts.Zip(lines, (t, l) => $"{{\"text\": \"{t}\"}}" + (l.Item2 ? "\r\n" : "\n"))));
        var data = Dataset.Load(file.Path);
        Assert.Equal(texts, data.Rows.Select(r => r.Text));
        Assert.Equal(Enumerable.Range(1, texts.Length), data.Rows.Select(r => r.Line));
    }, iter: 20);

    [Fact]
    public void Any_bytes_give_rows_or_a_dataset_exception() => Gen.Select(Gen.Int[0, 400], Gen.Byte, Gen.Int[0, 3]).Array[1, 4].Sample(edits =>
    {
        var bytes = Encoding.UTF8.GetBytes("""
            {"messages": [{"role": "user", "content": "h\u00e9 \ud83d\ude00"}, {"role": "assistant", "content": null, "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]}], "tools": "[]"}
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}, {"role": "assistant", "content": "y", "weight": 1}]}
            """);
        foreach (var (at, value, kind) in edits)
            bytes[at % bytes.Length] = kind switch { 0 => value, 1 => (byte)'"', 2 => (byte)'\\', _ => (byte)'[' };
        using var file = new TemporaryFile(bytes);
        try
        {
            Assert.NotEmpty(Dataset.Load(file.Path).Rows);
        }
        catch (DatasetException fault)
        {
            Assert.NotEmpty(fault.Problems);
        }
    }, iter: 2000);
}
