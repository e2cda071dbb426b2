using LowRank.Models.Templates;
using LowRank.Models.Tokenization;
using LowRank.Testing;
using LowRank.Training.Data;

namespace LowRank.Training.Tests.Data;

/// <summary>What single messages can carry: flags of what is learned, reasoning, and the answers of preference and KTO rows.</summary>
public sealed class MessagePartsTests
{
    private static Dataset Load(params string[] rows)
    {
        using var file = new TemporaryFile(string.Join('\n', rows));
        return Dataset.Load(file.Path);
    }

    private static string Fault(string row)
    {
        using var file = new TemporaryFile(row);
        return Assert.Throws<DatasetException>(() => Dataset.Load(file.Path)).Message.Replace(file.Path, "F", StringComparison.Ordinal);
    }

    [Fact]
    public void Train_false_and_weight_zero_are_not_learned()
    {
        var row = Load("""{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "train": false}, {"role": "user", "content": "c", "weight": null}, {"role": "assistant", "content": "d", "train": true}]}""").Rows[0];
        Assert.Equal([false, false, false, true], row.Learned);
        Assert.Equal("F:1: message 1 has a \"train\" that is a string; expected true or false", Fault("""{"messages": [{"role": "assistant", "content": "b", "train": "no"}]}"""));
        Assert.Equal("F:1: message 1 has the weight 0.5; expected 0 or 1", Fault("""{"messages": [{"role": "assistant", "content": "b", "weight": 0.5}]}"""));
    }

    [Theory]
    [InlineData("\"content\": \"b\", \"reasoning_content\": \"because\""), InlineData("\"content\": \"b\", \"thinking\": \"because\"")]
    [InlineData("\"content\": [{\"type\": \"thinking\", \"thinking\": \"because\"}, {\"type\": \"text\", \"text\": \"b\"}]")]
    public void Reasoning_reaches_the_template_under_any_name(string message)
    {
        var data = Load($$"""{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", {{message}}}]}""");
        const string template = "{% for m in messages %}<|{{ m.role }}|>{% if m.reasoning_content %}({{ m.reasoning_content }}){% endif %}{{ m.content }}<|end|>{% endfor %}";
        var built = Builder(template).BuildOne(data.Rows[0]);
        Assert.Null(built.Problem);
        Assert.Contains("(because)b", Tokenizer.Value.Decode(built.Example!.InputIds.ToArray()), StringComparison.Ordinal);
        var without = Builder("{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}").BuildOne(data.Rows[0]);
        Assert.EndsWith("does not print the reasoning of 1 assistant turn: it is not learned, the answer is", without.Problem!.Message, StringComparison.Ordinal);
        Assert.NotNull(without.Example);
    }

    [Fact]
    public void Preference_rows_of_every_form_come_to_a_prompt_and_two_answers()
    {
        var data = Load(
            """{"prompt": "p", "chosen": "c", "rejected": "r"}""",
            """{"prompt": [{"role": "user", "content": "p"}], "chosen": [{"role": "assistant", "content": "c"}], "rejected": [{"role": "assistant", "content": "r"}]}""",
            """{"chosen": [{"role": "user", "content": "p"}, {"role": "assistant", "content": "c"}], "rejected": [{"role": "user", "content": "p"}, {"role": "assistant", "content": "r"}]}""",
            """{"conversations": [{"from": "human", "value": "p"}], "chosen": {"from": "gpt", "value": "c"}, "rejected": {"from": "gpt", "value": "r"}}""",
            """{"instruction": "p", "input": "", "chosen": "c", "rejected": "r"}""");
        Assert.Equal(("p", "\"c\"", "\"r\""), (data.Rows[0].Prompt, data.Rows[0].Chosen!.Value.GetRawText(), data.Rows[0].Rejected!.Value.GetRawText()));
        foreach (var row in data.Rows.Skip(1))
        {
            Assert.Equal(("user", "p"), (row.Messages!.Value[0].GetProperty("role").GetString(), row.Messages!.Value[0].GetProperty("content").GetString()));
            Assert.Equal(("assistant", "c"), (row.Chosen!.Value[0].GetProperty("role").GetString(), row.Chosen!.Value[0].GetProperty("content").GetString()));
            Assert.Equal(("assistant", "r"), (row.Rejected!.Value[0].GetProperty("role").GetString(), row.Rejected!.Value[0].GetProperty("content").GetString()));
        }
        Assert.Equal("F:1: \"chosen\" and \"rejected\" do not begin with the same message, and there is no \"prompt\"",
            Fault("""{"chosen": [{"role": "user", "content": "p"}, {"role": "assistant", "content": "c"}], "rejected": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "r"}]}"""));
        Assert.Equal(["c", "r"], RowObjectives.Answers(data.Rows[2]).Select(r => r.Messages!.Value[1].GetProperty("content").GetString()));
        Assert.All(data.Rows.SelectMany(RowObjectives.Answers).Where(r => r.Messages is not null), r => Assert.Equal([false, true], r.Learned));
    }

    [Fact]
    public void Rows_of_another_objective_are_refused_where_they_are_learned_from()
    {
        var row = Load("""{"prompt": "p", "completion": "c", "label": false}""").Rows[0];
        Assert.Equal((false, DataFormat.Kto), (row.Label!.Value, row.Format));
        Assert.Contains("they need the objective KTO", Builder(null).BuildOne(row).Problem!.Message, StringComparison.Ordinal);
        using var file = new TemporaryFile("""{"prompt": "p", "chosen": "c", "rejected": "r"}""");
        var good = Dataset.Load(file.Path, new DatasetOptions { Columns = LowRank.Training.Data.Sources.ColumnMap.Parse("completion=chosen") });
        Assert.Equal((DataFormat.PromptCompletion, "c"), (good.Format, good.Rows[0].Completion));
    }

    private static readonly Lazy<Tokenizer> Tokenizer = new(() =>
    {
        var folder = Golden.At("tokenizers", "synthetic-bytelevel");
        Assert.SkipUnless(File.Exists(Path.Combine(folder, "tokenizer.json")), $"absent: {folder}");
        return Models.Tokenization.Tokenizer.Load(folder);
    });

    private static ExampleBuilder Builder(string? template) => new(Tokenizer.Value, template is null ? null : new ChatTemplate(template));
}
