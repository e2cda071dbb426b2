using LowRank.Models.Templates;
using LowRank.Models.Tokenization;
using LowRank.Testing;
using LowRank.Training.Data;

namespace LowRank.Training.Tests.Data;

/// <summary>Examples with SmolLM2's tokenizer, whatever template the test is about.</summary>
public sealed class ExampleBuilderTests
{
    private const string ChatMl = "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
    private const string Tagged = "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}{% if m.role == 'assistant' %}{% generation %}{{ m.content + '<|im_end|>' }}{% endgeneration %}{{ '\n' }}{% else %}{{ m.content + '<|im_end|>\n' }}{% endif %}{% endfor %}";

    private static readonly Tokenizer Tokenizer = Tokenizer.Load(Path.Combine(RepositoryRoot.Folder!, "tests", "fixtures", "tokenizers", "smollm2"));

    private static ExampleBuilder Builder(string? template, ExampleOptions? options = null) =>
        new(Tokenizer, template is null ? null : new ChatTemplate(template), "<|im_end|>", options);

    /// <summary>The text with what is learned in brackets.</summary>
    private static string Marked(Dataset data, string? template, ExampleOptions? options = null) =>
        string.Concat(DatasetPreview.Row(Builder(template, options).Build(data.Rows).Examples[0], Tokenizer).Runs.Select(r => r.Supervised ? $"[{r.Text}]" : r.Text));

    private static Dataset Talk(params (string, string)[] turns) => Dataset.FromConversations([turns]);

    private static readonly Dataset TwoTurns = Talk(("user", "Hi 😀"), ("assistant", "Hello."), ("user", "Bye"), ("assistant", "See you."));

    [Fact]
    public void Assistant_turns_are_learned_with_their_end() => Assert.Equal(
        "<|im_start|>user\nHi 😀<|im_end|>\n<|im_start|>assistant\n[Hello.<|im_end|>\n]<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n[See you.<|im_end|>\n]", Marked(TwoTurns, ChatMl));

    [Fact]
    public void The_separator_behind_a_turn_can_be_left_out() => Assert.Equal(
        "<|im_start|>user\nHi 😀<|im_end|>\n<|im_start|>assistant\n[Hello.<|im_end|>]\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n[See you.<|im_end|>]\n",
        Marked(TwoTurns, ChatMl, new ExampleOptions { LearnTurnSeparator = false }));

    [Fact]
    public void Generation_tags_alone_decide_where_they_are() => Assert.Equal(
        "<|im_start|>user\nHi 😀<|im_end|>\n<|im_start|>assistant\n[Hello.<|im_end|>]\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n[See you.<|im_end|>]\n", Marked(TwoTurns, Tagged));

    [Fact]
    public void Last_learns_the_last_assistant_turn_only() => Assert.Equal(
        "<|im_start|>user\nHi 😀<|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n[See you.<|im_end|>\n]",
        Marked(TwoTurns, ChatMl, new ExampleOptions { TrainOn = TrainOn.Last }));

    [Fact]
    public void All_learns_every_token_but_the_first() => Assert.Equal(
        "<|im_start|>[user\nHi 😀<|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\nSee you.<|im_end|>\n]",
        Marked(TwoTurns, ChatMl, new ExampleOptions { TrainOn = TrainOn.All }));

    [Fact]
    public void A_text_that_occurs_twice_is_found_by_position() => Assert.Equal(
        "<|im_start|>user\nyes<|im_end|>\n<|im_start|>assistant\n[yes<|im_end|>\n]<|im_start|>user\nassistant<|im_end|>\n<|im_start|>assistant\n[assistant<|im_end|>\n]",
        Marked(Talk(("user", "yes"), ("assistant", "yes"), ("user", "assistant"), ("assistant", "assistant")), ChatMl));

    [Fact]
    public void A_tool_call_that_the_template_drops_is_told_and_not_learned()
    {
        using var file = new TemporaryFile("""
            {"messages": [{"role": "user", "content": "W?"}, {"role": "assistant", "content": null, "tool_calls": [{"type": "function", "function": {"name": "weather", "arguments": {}}}]}, {"role": "tool", "content": "18"}, {"role": "assistant", "content": "18 °C"}]}
            """);
        var data = Dataset.Load(file.Path);
        Assert.Equal("<|im_start|>user\nW?<|im_end|>\n<|im_start|>assistant\n<|im_end|>\n<|im_start|>tool\n18<|im_end|>\n<|im_start|>assistant\n[18 °C<|im_end|>\n]", Marked(data, ChatMl));
        var warning = Assert.Single(Builder(ChatMl).Build(data.Rows).Warnings);
        Assert.Equal((ProblemSeverity.Warning, 1, "the model's chat template does not print tool calls: 1 assistant turn that calls a tool is not learned"), (warning.Severity, warning.Line, warning.Message));
        var printing = ChatMl.Replace("m.content", "(m.content or (m.tool_calls | tojson))", StringComparison.Ordinal);
        Assert.Contains("assistant\n[[{\"type\": \"function\", \"function\": {\"name\": \"weather\", \"arguments\": {}}}]<|im_end|>\n]", Marked(data, printing), StringComparison.Ordinal);
        Assert.Empty(Builder(printing).Build(data.Rows).Warnings);
    }

    [Fact]
    public void Prompt_and_completion_become_turns_or_follow_each_other()
    {
        var data = Dataset.FromPairs([("The capital of France is", " Paris.")]);
        Assert.Equal("<|im_start|>user\nThe capital of France is<|im_end|>\n<|im_start|>assistant\n[ Paris.<|im_end|>\n]", Marked(data, ChatMl));
        Assert.Equal("The capital of France is[ Paris.<|im_end|>]", Marked(data, null));
        Assert.Equal("The[ capital of France is Paris.<|im_end|>]", Marked(data, null, new ExampleOptions { TrainOn = TrainOn.All }));
    }

    [Fact]
    public void Plain_text_is_learned_to_its_end_even_with_a_template() => Assert.Equal("Once[ upon a time<|im_end|>]", Marked(Dataset.FromTexts(["Once upon a time"]), ChatMl));

    [Fact]
    public void A_conversation_without_template_and_a_refusing_template_are_told_by_row()
    {
        var data = Dataset.FromConversations([[("user", "a"), ("assistant", "b")], [("user", "c"), ("assistant", "d")]]);
        var fault = Assert.Throws<DatasetException>(() => Builder(null).Build(data.Rows));
        Assert.Equal([1, 2], fault.Problems.Select(p => p.Line));
        Assert.Contains("data:1: the row is a conversation, and the model has no chat template", fault.Message, StringComparison.Ordinal);
        fault = Assert.Throws<DatasetException>(() => Builder("{{ raise_exception('no ' + messages[0].content) }}").Build(data.Rows));
        Assert.Contains("data:2: The chat template refuses the conversation: no c", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_row_without_supervised_tokens_is_an_error()
    {
        var data = Dataset.FromConversations([[("user", "a"), ("assistant", "b")], [("user", "c"), ("assistant", " ")]]);
        Assert.Equal("data:2: the only assistant turn is empty or blank: nothing to learn from", Assert.Throws<DatasetException>(() => Builder(ChatMl).Build(data.Rows)).Message);
        // Rows are sound, but this template prints users only.
        var fault = Assert.Throws<DatasetException>(() => Builder("{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}").Build([data.Rows[0]]));
        Assert.StartsWith("data:1: no supervised token", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Truncation_is_counted_and_rows_that_lose_everything_are_dropped_and_named()
    {
        var data = Dataset.FromConversations([
            [("user", "a"), ("assistant", "b")],
            [("user", "a"), ("assistant", "one two three four five six seven eight")],
            [("user", "one two three four five six seven eight nine ten"), ("assistant", "b")]]);
        var whole = Builder(ChatMl).Build(data.Rows);
        Assert.Equal("", whole.Truncation.ToString());
        var cut = Builder(ChatMl, new ExampleOptions { MaxLength = 13 }).Build(data.Rows);
        Assert.Equal(2, cut.Examples.Count);
        Assert.All(cut.Examples, e => Assert.InRange(e.Length, 1, 13));
        Assert.Equal(whole.Examples.Sum(e => e.Length) - cut.Examples.Sum(e => e.Length), cut.Truncation.LostTokens + 13);
        Assert.Equal(whole.SupervisedTokens - cut.SupervisedTokens, cut.Truncation.LostSupervisedTokens);
        Assert.Equal(["data:3"], cut.Truncation.Dropped);
        Assert.Equal($"2 of 3 rows are longer than 13 tokens and were cut: {cut.Truncation.LostSupervisedTokens} supervised tokens lost ({100.0 * cut.Truncation.LostSupervisedTokens / whole.SupervisedTokens:0.##} %); 1 row lost all of them and is left out: data:3",
            cut.Truncation.ToString());
        Assert.Equal("data: cut to 4 tokens, none of the 3 rows keeps a token to learn (their prompts alone are longer); raise the maximum length",
            Assert.Throws<LowRankException>(() => Builder(ChatMl, new ExampleOptions { MaxLength = 4 }).Build(data.Rows)).Message);
    }

    [Fact]
    public void Pretokenized_rows_keep_ids_and_labels_and_are_checked_against_the_vocabulary()
    {
        using var file = new TemporaryFile("""
            {"input_ids": [1, 5, 7, 9], "labels": [-100, -100, 7, 9], "attention_mask": [1, 1, 1, 0]}
            {"input_ids": [1, 99999999]}
            """);
        var data = Dataset.Load(file.Path);
        var example = Builder(null).Build([data.Rows[0]]).Examples[0];
        Assert.Equal([1, 5, 7], example.InputIds.ToArray());
        Assert.Equal([false, false, true], example.Supervised.ToArray());
        Assert.EndsWith($":2: entry 2 of the token ids is 99999999, outside the vocabulary of {Tokenizer.VocabularySize} tokens",
            Assert.Throws<DatasetException>(() => Builder(null).Build(data.Rows)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_order_is_that_of_the_rows_however_many_threads_work()
    {
        var data = Dataset.FromPairs(Enumerable.Range(0, 500).Select(i => ($"q{i}", $"answer {i}")));
        var examples = Builder(ChatMl).Build(data.Rows).Examples;
        Assert.Equal(Enumerable.Range(1, 500), examples.Select(e => e.Row!.Number));
        for (var i = 0; i < 500; i += 83) Assert.Contains($"answer {i}<|im_end|>", Tokenizer.Decode(examples[i].InputIds), StringComparison.Ordinal);
    }

    [Fact]
    public void A_preview_shows_rows_numbers_and_problems()
    {
        using var file = new TemporaryFile("""
            {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
            {"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
            {"messages": [{"role": "user", "content": "a"}]}
            """);
        var preview = DatasetPreview.Create(Dataset.Load(file.Path), Builder(ChatMl), Tokenizer, rows: 1);
        Assert.Equal((1, 3, 2), (preview.Rows.Count, preview.Statistics.Rows, preview.Rows[0].Runs.Count));
        Assert.Equal([(ProblemSeverity.Warning, 2), (ProblemSeverity.Error, 3)], preview.Problems.Select(p => (p.Severity, p.Line)));
        Assert.Equal(6, preview.Statistics.SupervisedTokens);
        Assert.True(preview.Statistics.MinLength < preview.Statistics.MaxLength);
        Assert.Equal(preview.Statistics.MinLength, preview.Statistics.MedianLength);
        var json = System.Text.Json.JsonSerializer.SerializeToElement(preview);
        Assert.True(json.GetProperty("Rows")[0].GetProperty("Runs")[1].GetProperty("Supervised").GetBoolean());
    }
}
