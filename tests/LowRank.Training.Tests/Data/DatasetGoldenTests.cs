using System.Text.Json;
using LowRank.Testing;
using LowRank.Training.Data;

namespace LowRank.Training.Tests.Data;

/// <summary>fixtures/datasets: what loads as what, and what is said about broken files.</summary>
public sealed class DatasetGoldenTests
{
    private static readonly string[] LaterExtensions = [".csv", ".tsv", ".parquet"];

    public static IEnumerable<TheoryDataRow<string>> GoodFiles() => Golden.Cases("datasets/good", Names("index.json", good: true), name =>
        LaterExtensions.Contains(Path.GetExtension(name)) ? $"{Path.GetExtension(name)} files are a later issue"
        : GoodEntry(name).GetProperty("format").GetString()! is var format && IsLater(format) ? $"{format} is a later issue" : null);

    public static IEnumerable<TheoryDataRow<string>> BrokenFiles() => Golden.Cases("datasets/broken", Names("broken/index.json", good: false), name =>
        LaterExtensions.Contains(Path.GetExtension(name)) ? $"{Path.GetExtension(name)} files are a later issue"
        : HoldsLaterRows(Golden.At("datasets", "broken", name)) ? "KTO rows are a later issue" : null);

    [Theory, Trait("Category", "Golden"), MemberData(nameof(GoodFiles))]
    public void Good_file_has_the_format_and_the_rows(string name)
    {
        var entry = GoodEntry(name);
        var path = Golden.At("datasets", name);
        var data = Dataset.Load(path);

        Assert.Equal(entry.GetProperty("format").GetString()!.Split(' ')[0], NameOf(data.Format));
        var count = entry.TryGetProperty("rows", out var rows) ? rows : entry.GetProperty("paragraphs");
        Assert.Equal(count.GetInt32(), data.Rows.Count);
        Assert.Empty(data.Problems);
        Assert.Equal(Enumerable.Range(1, data.Rows.Count), data.Rows.Select(r => r.Number));
        Assert.All(data.Rows, r => Assert.True(r.Messages is not null || r.Text is not null || r.InputIds is not null || r is { Prompt: not null, Completion: not null }));
        data.RequireTrainable();
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
            // Where lines do not help, the row is named in words.
            else Assert.Contains(problems, p => fault.GetProperty("what").GetString()!.Split(' ', ':') is ["row", var number, ..] && p.Message.StartsWith($"row {number}: ", StringComparison.Ordinal));
        }
        var expected = entry.GetProperty("faults").EnumerateArray().Select(f => f.GetProperty("line")).ToList();
        if (expected.TrueForAll(l => l.ValueKind == JsonValueKind.Number))
            Assert.Equal(expected.Select(l => l.GetInt32()).Distinct().Order(), problems.Select(p => p.Line).Distinct().Order());
        if (entry.TryGetProperty("note", out var note) && note.GetString()!.Split("10 sound rows").Length > 1)
            Assert.Equal(10, Dataset.Load(path).Rows.Count);
    }

    private static bool IsLater(string format) => format == "kto";

    /// <summary>Judged from the file itself, not by the code under test.</summary>
    private static bool HoldsLaterRows(string path) => File.ReadLines(path).FirstOrDefault() is { } first
        && first.Contains("\"completion\":", StringComparison.Ordinal) && first.Contains("\"label\":", StringComparison.Ordinal);

    private static string NameOf(DataFormat format) => format switch
    {
        DataFormat.Messages => "messages",
        DataFormat.Alpaca => "alpaca",
        DataFormat.ShareGpt => "sharegpt",
        DataFormat.PromptCompletion => "prompt-completion",
        DataFormat.Text => "text",
        DataFormat.Pretokenized => "pretokenized",
        DataFormat.Preference => "preference",
        _ => format.ToString(),
    };

    private static IEnumerable<string> Names(string index, bool good)
    {
        if (!File.Exists(Golden.At(["datasets", .. index.Split('/')]))) return [];
        var folder = Golden.At(["datasets", .. index.Split('/')[..^1]]);
        var names = good ? Index(index).EnumerateObject().Select(m => m.Name) : Entries(index).Select(e => e.GetProperty("file").GetString()!);
        // The copy in tests/fixtures leaves out the kinds of file that are not read yet.
        return names.Where(n => File.Exists(Path.Combine(folder, n)));
    }

    private static JsonElement GoodEntry(string name) => Index("index.json").GetProperty(name);

    private static IEnumerable<JsonElement> Entries(string index) => Index(index).EnumerateArray();

    private static JsonElement Index(string index) => JsonElement.Parse(File.ReadAllBytes(Golden.At(["datasets", .. index.Split('/')])));
}
