using LowRank.Training.Data;

namespace LowRank.Training.Tests.Data;

/// <summary>Preferences in the forms that public data sets have them.</summary>
public sealed class PreferenceFormatTests
{
    private static DataRow Read(string json)
    {
        using var file = new TemporaryFile(json + "\n", ".jsonl");
        var data = Dataset.Load(file.Path);
        Assert.Equal(DataFormat.Preference, data.Format);
        return Assert.Single(data.Rows);
    }

    private static DatasetException Refused(string json)
    {
        using var file = new TemporaryFile(json + "\n", ".jsonl");
        return Assert.Throws<DatasetException>(() => Dataset.Load(file.Path));
    }

    // The turns as "role: content", what is learned in brackets.
    private static string Text(DataRow row) => row.Messages is { } messages
        ? string.Join(" | ", messages.EnumerateArray().Select((m, i) => $"{m.GetProperty("role").GetString()}: {(row.Learned[i] ? $"[{m.GetProperty("content").GetString()}]" : m.GetProperty("content").GetString())}"))
        : $"{row.Prompt}[{row.Completion}]";

    [Theory]
    [InlineData("""{"prompt":"Name a prime.","chosen":"7","rejected":"8"}""", "Name a prime.[7]", "Name a prime.[8]")]
    [InlineData("""{"question":"Name a prime.","chosen":"7","rejected":"8"}""", "Name a prime.[7]", "Name a prime.[8]")]
    [InlineData("""{"instruction":"Add.","input":"1 + 1","chosen":"2","rejected":"3"}""", "user: Add.\n1 + 1 | assistant: [2]", "user: Add.\n1 + 1 | assistant: [3]")]
    [InlineData("""{"chosen":"The sky is blue.","rejected":"The sky is green."}""", "The sky is[ blue.]", "The sky is[ green.]")]
    [InlineData("""{"prompt":"Hi","chosen":[{"role":"assistant","content":"Hello!"}],"rejected":[{"role":"assistant","content":"What?"}]}""", "user: Hi | assistant: [Hello!]", "user: Hi | assistant: [What?]")]
    [InlineData("""{"prompt":[{"role":"system","content":"S"},{"role":"user","content":"Hi"}],"chosen":"Hello!","rejected":"What?"}""", "system: S | user: Hi | assistant: [Hello!]", "system: S | user: Hi | assistant: [What?]")]
    [InlineData("""{"system":"S","prompt":"Hi","chosen":"Hello!","rejected":"What?"}""", "system: S | user: Hi | assistant: [Hello!]", "system: S | user: Hi | assistant: [What?]")]
    // Whole conversations: what they share is the prompt, earlier answers in it included, and a prompt beside them is in them already.
    [InlineData("""{"prompt":"B","chosen":[{"role":"user","content":"A"},{"role":"assistant","content":"1"},{"role":"user","content":"B"},{"role":"assistant","content":"2"}],"rejected":[{"role":"user","content":"A"},{"role":"assistant","content":"1"},{"role":"user","content":"B"},{"role":"assistant","content":"3"}]}""",
        "user: A | assistant: 1 | user: B | assistant: [2]", "user: A | assistant: 1 | user: B | assistant: [3]")]
    [InlineData("""{"messages":[{"role":"user","content":"Hi"}],"chosen":{"role":"assistant","content":"Hello!"},"rejected":{"role":"assistant","content":"What?"}}""", "user: Hi | assistant: [Hello!]", "user: Hi | assistant: [What?]")]
    [InlineData("""{"conversations":[{"from":"system","value":"S"},{"from":"human","value":"Hi"}],"chosen":{"from":"gpt","value":"Hello!"},"rejected":{"from":"gpt","value":"What?"}}""", "system: S | user: Hi | assistant: [Hello!]", "system: S | user: Hi | assistant: [What?]")]
    [InlineData("""{"conversations":[{"from":"human","value":"Hi"}],"chosen":"Hello!","rejected":"What?"}""", "user: Hi | assistant: [Hello!]", "user: Hi | assistant: [What?]")]
    public void Prompt_and_both_answers_are_found(string json, string chosen, string rejected)
    {
        var row = Read(json);
        Assert.Equal([chosen, rejected], RowObjectives.Answers(row).Select(Text));
        Assert.Null(row.NothingToLearn);
    }

    [Theory]
    [InlineData("""{"prompt":"x","chosen":"y"}""", "no field \"rejected\"")]
    [InlineData("""{"prompt":3,"chosen":"y","rejected":"z"}""", "\"prompt\" is a number")]
    [InlineData("""{"prompt":"x","chosen":7,"rejected":"z"}""", "\"chosen\" is a number")]
    [InlineData("""{"chosen":[{"role":"assistant","content":"a"}],"rejected":[{"role":"assistant","content":"b"}]}""", "there is no \"prompt\"")]
    [InlineData("""{"conversations":[{"from":"martian","value":"x"}],"chosen":{"from":"gpt","value":"a"},"rejected":{"from":"gpt","value":"b"}}""", "turn 1 has the unknown \"from\"")]
    public void What_is_missing_is_named(string json, string message) => Assert.Contains(message, Refused(json).Message, StringComparison.Ordinal);

    [Fact]
    public void Equal_answers_are_a_warning_and_no_training()
    {
        using var file = new TemporaryFile("""{"prompt":"x","chosen":"same","rejected":"same"}""" + "\n", ".jsonl");
        var data = Dataset.Load(file.Path);
        Assert.Contains("\"chosen\" and \"rejected\" are equal", Assert.Single(data.Problems).Message, StringComparison.Ordinal);
        Assert.Contains("are equal", Assert.Throws<DatasetException>(() => data.RequireTrainable(RowUse.Pairs)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_multiple_choice_is_read_with_its_right_answer()
    {
        foreach (var (json, right) in new[]
        {
            ("""{"question":"q","choices":["a","b","c"],"answer":2}""", "c"), ("""{"question":"q","choices":["a","b","c"],"answer":"B"}""", "b"), ("""{"ctx":"q","endings":["a","b"],"label":"1"}""", "b"),
            ("""{"question":"q","choices":{"text":["a","b"],"label":["1","2"]},"answerKey":"1"}""", "a"), ("""{"query":"q","choices":["a","b"],"gold":0}""", "a"),
        })
        {
            using var file = new TemporaryFile(json + "\n", ".jsonl");
            var data = Dataset.Load(file.Path);
            Assert.Equal((DataFormat.MultipleChoice, "q", right), (data.Format, data.Rows[0].Prompt, data.Rows[0].Completion));
        }
        Assert.Contains("none of the 2 choices", Refused("""{"question":"q","choices":["a","b"],"answer":2}""").Message, StringComparison.Ordinal);
    }
}
