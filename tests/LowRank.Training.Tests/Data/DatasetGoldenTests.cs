using System.Text.Json;
using LowRank.Testing;
using LowRank.Training.Data;

namespace LowRank.Training.Tests.Data;

/// <summary>fixtures/datasets: what loads as what, and what is said about broken files.</summary>
public sealed class DatasetGoldenTests
{
    public static IEnumerable<TheoryDataRow<string>> GoodFiles() => Golden.Cases("datasets/good", Names("index.json", good: true));

    public static IEnumerable<TheoryDataRow<string>> BrokenFiles() => Golden.Cases("datasets/broken", Names("broken/index.json", good: false));

    [Theory, Trait("Category", "Golden"), MemberData(nameof(GoodFiles))]
    public void Good_file_has_the_format_and_the_rows(string name)
    {
        var entry = GoodEntry(name);
        var path = Golden.At("datasets", name);
        var data = Dataset.Load(path);

        // "preference (sharegpt style)" is a preference, too.
        Assert.Equal(entry.GetProperty("format").GetString()!.Split(' ')[0], NameOf(data.Format));
        var count = entry.TryGetProperty("rows", out var rows) ? rows : entry.GetProperty("paragraphs");
        Assert.Equal(count.GetInt32(), data.Rows.Count);
        Assert.Empty(data.Problems);
        Assert.Equal(Enumerable.Range(1, data.Rows.Count), data.Rows.Select(r => r.Number));
        Assert.All(data.Rows, r => Assert.True(r.Messages is not null || r.Text is not null || r.InputIds is not null || r is { Prompt: not null, Completion: not null } or { Prompt: not null, Chosen: not null }));
        data.RequireTrainable(data.Format switch { DataFormat.Preference => RowUse.Pairs, DataFormat.Kto => RowUse.Judgements, _ => RowUse.Answers });
        if (data.Format is DataFormat.Preference or DataFormat.Kto) Assert.Contains("objective", Assert.Throws<DatasetException>(data.RequireTrainable).Message, StringComparison.Ordinal);

        // Rows that are not kept but read again are the same.
        var streamed = Dataset.Load(path, new DatasetOptions { InMemoryBytes = 0 });
        Assert.Equal(data.Rows.Select(Text), streamed.Rows.Select(Text));
        Assert.Equal(Text(data.Rows[^1]), Text(streamed.Rows[data.Rows.Count - 1]));
    }

    [Theory, Trait("Category", "Golden"), MemberData(nameof(BrokenFiles))]
    public void Broken_file_is_judged_as_the_index_says(string name)
    {
        var entry = Entries("broken/index.json").Single(e => e.GetProperty("file").GetString() == name);
        var path = Golden.At("datasets", "broken", name);
        IReadOnlyList<Problem> problems;
        var severity = "fine";
        try
        {
            problems = Dataset.Load(path).Problems;
            if (problems.Count > 0) severity = "warning";
        }
        catch (DatasetException fault)
        {
            problems = fault.Problems;
            severity = "error";
            Assert.Contains(path, fault.Message, StringComparison.Ordinal);
        }

        Assert.Equal((entry.GetProperty("severity").GetString(), name), (severity, name));
        foreach (var fault in entry.GetProperty("faults").EnumerateArray())
        {
            if (fault.GetProperty("line").ValueKind == JsonValueKind.Number) Assert.Contains(problems, p => p.Line == fault.GetProperty("line").GetInt32());
            // Where lines do not help, the row is named in words, or the fault is the file's.
            else if (fault.GetProperty("what").GetString() is { } what && !what.StartsWith("row ", StringComparison.Ordinal)) Assert.Contains(problems, p => p.Message.Contains(what, StringComparison.Ordinal));
            else Assert.Contains(problems, p => fault.GetProperty("what").GetString()!.Split(' ', ':') is ["row", var number, ..] && p.Message.StartsWith($"row {number}: ", StringComparison.Ordinal));
        }
        var expected = entry.GetProperty("faults").EnumerateArray().Select(f => f.GetProperty("line")).ToList();
        if (expected.TrueForAll(l => l.ValueKind == JsonValueKind.Number))
            Assert.Equal(expected.Select(l => l.GetInt32()).Distinct().Order(), problems.Select(p => p.Line).Distinct().Order());
        if (entry.TryGetProperty("note", out var note) && note.GetString()!.Split("10 sound rows").Length > 1)
            Assert.Equal(10, Dataset.Load(path).Rows.Count);
    }

    // One bad row of several: the others are loaded, and the count is that of the faults. Files that are wrong as a whole are refused all the same.
    [Theory, Trait("Category", "Golden"), MemberData(nameof(BrokenFiles))]
    public void Bad_rows_are_left_out_where_that_is_asked_for(string name)
    {
        var entry = Entries("broken/index.json").Single(e => e.GetProperty("file").GetString() == name);
        if (entry.GetProperty("severity").GetString() != "error") return;
        var options = new DatasetOptions { OnBadRow = BadRows.Skip };
        if (name is "utf16.jsonl" or "empty.jsonl" or "only-blank.jsonl" or "csv-missing-column.csv" or "not-parquet.parquet")
        {
            Assert.Throws<DatasetException>(() => Dataset.Load(Golden.At("datasets", "broken", name), options));
            return;
        }
        var data = Dataset.Load(Golden.At("datasets", "broken", name), options);
        var faults = entry.GetProperty("faults").EnumerateArray().ToArray();
        Assert.Equal((name, faults.Length), (name, data.SkippedRows));
        Assert.NotEmpty(data.Rows);
        Assert.All(faults.Where(f => f.GetProperty("line").ValueKind == JsonValueKind.Number), f => Assert.DoesNotContain(data.Rows, r => r.Line == f.GetProperty("line").GetInt32()));
        Assert.All(data.Problems, p => Assert.Equal(ProblemSeverity.Warning, p.Severity));
        Assert.Contains(data.Problems, p => p.Message.EndsWith("the row is left out", StringComparison.Ordinal));
    }

    private static string Text(DataRow row) => $"{row.Line} {row.Number} {row.Format} {row.Messages?.GetRawText()} {row.Tools?.GetRawText()} {string.Join(',', row.Learned)} {row.Prompt}|{row.Completion}|{row.Text}|"
        + $"{string.Join(',', row.InputIds ?? [])} {string.Join(',', row.Supervised ?? [])} {row.Chosen?.GetRawText()} {row.Rejected?.GetRawText()} {row.Label} {row.NothingToLearn}";

    private static string NameOf(DataFormat format) => format switch
    {
        DataFormat.Messages => "messages",
        DataFormat.Alpaca => "alpaca",
        DataFormat.ShareGpt => "sharegpt",
        DataFormat.PromptCompletion => "prompt-completion",
        DataFormat.Text => "text",
        DataFormat.Pretokenized => "pretokenized",
        DataFormat.Preference => "preference",
        DataFormat.Kto => "kto",
        _ => format.ToString(),
    };

    private static IEnumerable<string> Names(string index, bool good)
    {
        if (!File.Exists(Golden.At(["datasets", .. index.Split('/')]))) return [];
        var folder = Golden.At(["datasets", .. index.Split('/')[..^1]]);
        var names = good ? Index(index).EnumerateObject().Select(m => m.Name) : Entries(index).Select(e => e.GetProperty("file").GetString()!);
        // The copy in tests/fixtures may leave out some.
        return names.Where(n => File.Exists(Path.Combine(folder, n)));
    }

    private static JsonElement GoodEntry(string name) => Index("index.json").GetProperty(name);

    private static IEnumerable<JsonElement> Entries(string index) => Index(index).EnumerateArray();

    private static JsonElement Index(string index) => JsonElement.Parse(File.ReadAllBytes(Golden.At(["datasets", .. index.Split('/')])));
}
