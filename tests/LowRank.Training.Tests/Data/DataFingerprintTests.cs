using LowRank.Testing;
using LowRank.Training.Data;

namespace LowRank.Training.Tests.Data;

public sealed class DataFingerprintTests
{
    [Fact]
    public void Rows_decide_and_not_the_file()
    {
        using var folder = new TemporaryFolder();
        const string First = """{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}""";
        const string Second = """{"messages":[{"role":"user","content":"c"},{"role":"assistant","content":"d"}]}""";
        string Of(string name, params string[] lines) => DataFingerprint.Of(Dataset.Load(folder.Write(name, string.Join('\n', lines) + "\n")));

        var whole = Of("a.jsonl", First, Second);
        Assert.Matches("^[0-9a-f]{32}$", whole);
        Assert.Equal(whole, Of("b.jsonl", First, "", Second));
        Assert.NotEqual(whole, Of("c.jsonl", Second, First));
        Assert.NotEqual(whole, Of("d.jsonl", First));
        Assert.NotEqual(Of("g.jsonl", """{"prompt":"a","chosen":"b","rejected":"c"}"""), Of("h.jsonl", """{"prompt":"a","chosen":"b","rejected":"d"}"""));
        Assert.NotEqual(Of("e.jsonl", """{"prompt":"a","completion":"bc"}"""), Of("f.jsonl", """{"prompt":"ab","completion":"c"}"""));
    }
}
