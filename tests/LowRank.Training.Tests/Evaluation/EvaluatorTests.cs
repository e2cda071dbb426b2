using System.Text.Json;
using System.Text.Json.Nodes;
using LowRank.Adapters;
using LowRank.Models;
using LowRank.Models.Checkpoints;
using LowRank.Models.Generation;
using LowRank.Training.Data;
using LowRank.Training.Evaluation;
using LowRank.Training.Packing;
using static TorchSharp.torch;

namespace LowRank.Training.Tests.Evaluation;

/// <summary>Loss and exact-match accuracy on a tiny model of random weights.</summary>
public sealed class EvaluatorTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-eval-").FullName;
    private LanguageModel model;

    public EvaluatorTests() => model = Load();

    private LanguageModel Load() => ModelLoader.Load(TinyModel.Create(Path.Combine(folder, "model")), new ModelLoadOptions());

    private Dataset Colours(int rows = 24) => Dataset.Load(TinyModel.CreateData(Path.Combine(folder, "data.jsonl"), rows));

    private Dataset Rows(IEnumerable<(string Question, string Answer)> rows)
    {
        var path = Path.Combine(folder, "rows.jsonl");
        File.WriteAllLines(path, rows.Select(r => new JsonObject
        {
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = r.Question }, new JsonObject { ["role"] = "assistant", ["content"] = r.Answer }),
        }.ToJsonString()));
        return Dataset.Load(path);
    }

    [Fact]
    public void The_loss_does_not_depend_on_the_batches()
    {
        var examples = ExampleBuilder.For(model).Build(Colours().Rows, TestContext.Current.CancellationToken).Examples;
        var want = Evaluator.Loss(model, examples, new BatchOptions { BatchSize = 1 });
        Assert.Equal((24, examples.Sum(e => (long)e.SupervisedTokens)), (want.Rows, want.SupervisedTokens));
        Assert.Equal(Math.Exp(want.Loss), want.Perplexity);
        foreach (var batches in new[] { new BatchOptions { BatchSize = 7 }, new BatchOptions { BatchSize = 5, Layout = BatchLayout.GroupedByLength }, new BatchOptions { BatchSize = 2, Layout = BatchLayout.Packed, RowLength = 100 } })
        {
            var done = new List<int>();
            var got = Evaluator.Loss(model, examples, batches, done.Add, TestContext.Current.CancellationToken);
            // fp32 sums of a few hundred terms near 6.
            Assert.Equal(want.Loss, got.Loss, 1e-5);
            Assert.Equal((want.Rows, want.SupervisedTokens, 24), (got.Rows, got.SupervisedTokens, done[^1]));
        }
    }

    [Fact]
    public void Answers_are_right_if_they_end_and_equal_the_expected_text()
    {
        EndWhereTheModelOftenGoes();
        var questions = Enumerable.Range(0, 40).Select(i => $"Which colour has number {i}?").ToArray();
        var answers = questions.Select(q => model.GenerateBatch([model.EncodeChat([new("user", q)])], new GenerationOptions { MaxNewTokens = 60 })[0]).ToArray();
        Assert.InRange(answers.Count(a => a.Finish == FinishReason.EndToken), 8, 40);
        // White space around does not count, anything else does.
        var rows = Rows(questions.Zip(answers, (q, a) => (q, "  " + a.Text.Trim() + " \n")).Select((r, i) => i % 3 == 2 ? (r.q, r.Item2.Trim() + "!") : r));
        var want = answers.Select((a, i) => a.Finish == FinishReason.EndToken && i % 3 != 2).ToArray();
        var done = 0;
        var got = Evaluator.ExactMatch(model, rows.Rows, new EvaluationOptions { BatchSize = 3, MaxNewTokens = 60, AnswerMargin = 60 }, n => done = n, TestContext.Current.CancellationToken);
        Assert.Equal((40, want.Count(w => w), 40), (got.Rows, got.Correct, done));
        Assert.Equal((double)got.Correct / 40, got.Accuracy);
        Assert.Equal(rows.Rows.Where((_, i) => !want[i]).Select(r => r.Place), got.Wrong.Select(w => w.Place));
        foreach (var wrong in got.Wrong)
        {
            var i = rows.Rows.ToList().FindIndex(r => r.Place == wrong.Place);
            Assert.Equal((answers[i].Text.Trim(), answers[i].Finish == FinishReason.EndToken), (wrong.Got, wrong.Ended));
        }
    }

    [Fact]
    public void The_last_assistant_turn_is_asked_for_and_all_before_it_is_the_prompt()
    {
        var path = Path.Combine(folder, "turns.jsonl");
        File.WriteAllText(path, """
            {"messages":[{"role":"user","content":"red?"},{"role":"assistant","content":"no"},{"role":"user","content":"blue?"},{"role":"assistant","content":"yes"},{"role":"user","content":"thanks"}]}
            """);
        var question = Assert.Single(Question.Of(model, Dataset.Load(path).Rows));
        Assert.Equal("<|user|>red?<|end|>\n<|assistant|>no<|end|>\n<|user|>blue?<|end|>\n<|assistant|>", model.Tokenizer.Decode(question.Prompt));
        Assert.Equal(("yes", "blue?"), (question.Answer, question.Text));
    }

    [Fact]
    public void Base_and_adapter_stand_side_by_side()
    {
        var rows = Colours(8).Rows;
        var options = new EvaluationOptions { Metric = EvaluationMetric.Exact, MaxNewTokens = 8 };
        var before = Evaluator.Evaluate(model, rows, options, cancellation: TestContext.Current.CancellationToken);
        Assert.Contains("no adapter", Assert.Throws<LowRankException>(() => Evaluator.Compare(model, rows)).Message);
        var adapter = model.Attach(new LoraConfig { Rank = 4, Alpha = 4 }, seed: 3);
        using (no_grad())
            foreach (var b in adapter.Values().Where(v => v.Key.EndsWith("lora_B.weight", StringComparison.Ordinal))) b.Value.fill_(0.3);
        var stages = new List<EvaluationProgress>();
        var both = Evaluator.Compare(model, rows, options, stages.Add, TestContext.Current.CancellationToken);
        Assert.Equal(before.Loss, both.Base.Loss, 1e-6);
        Assert.True(Math.Abs(both.Adapter.Loss - both.Base.Loss) > 0.01);
        Assert.Equal(both.Adapter.Loss, Evaluator.Evaluate(model, rows).Loss, 1e-6);
        Assert.Equal([(EvaluationMetric.Loss, 8, 8), (EvaluationMetric.Exact, 8, 8)], stages.GroupBy(s => s.Stage).Select(g => (g.Key, g.Last().Done, g.Last().Total)));

        using var json = JsonDocument.Parse(both.ToJson());
        foreach (var side in new[] { "base", "adapter" })
            Assert.Equal(["loss", "perplexity", "supervised_tokens", "accuracy", "rows"], json.RootElement.GetProperty(side).EnumerateObject().Select(p => p.Name).OrderBy(n => Array.IndexOf(Keys, n)));
        using var alone = JsonDocument.Parse(Evaluator.Evaluate(model, rows).ToJson());
        Assert.Equal(["loss", "perplexity", "supervised_tokens", "rows"], alone.RootElement.EnumerateObject().Select(p => p.Name).OrderBy(n => Array.IndexOf(Keys, n)));
        Assert.Equal(8, alone.RootElement.GetProperty("rows").GetInt32());
    }

    private static readonly string[] Keys = ["loss", "perplexity", "supervised_tokens", "accuracy", "rows"];

    [Fact]
    public void Rows_without_a_question_are_told_together()
    {
        var path = Path.Combine(folder, "text.jsonl");
        File.WriteAllText(path, "{\"text\":\"one text\"}\n{\"text\":\"another text\"}\n");
        var error = Assert.Throws<DatasetException>(() => Evaluator.ExactMatch(model, Dataset.Load(path).Rows));
        Assert.Equal([1, 2], error.Problems.Select(p => p.Line));
        Assert.Contains("a text without a question", error.Message);
        Assert.Contains("no rows", Assert.Throws<LowRankException>(() => Evaluator.ExactMatch(model, [])).Message);
    }

    [Fact]
    public void A_cancelled_evaluation_stops()
    {
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => Evaluator.Evaluate(model, Colours().Rows, new EvaluationOptions { BatchSize = 4, Metric = EvaluationMetric.Exact }, p =>
        {
            Assert.True(p.Stage == EvaluationMetric.Loss && p.Done <= 4);
            stop.Cancel();
        }, stop.Token));
    }

    [Fact]
    public void Samples_are_answers_to_the_questions()
    {
        var rows = Colours(3).Rows;
        var path = Path.Combine(folder, "text.jsonl");
        File.WriteAllText(path, "{\"text\":\"a text without a question\"}\n");
        var texts = Dataset.Load(path).Rows;
        var samples = new AnswerSampler(model, [.. texts, .. rows], count: 2, maxNewTokens: 5).Answer();
        Assert.Equal(Question.Of(model, rows).Take(2).Select(q => q.Text), samples.Select(s => s.Prompt));
        Assert.Equal(model.GenerateBatch([Question.Of(model, rows)[1].Prompt], new GenerationOptions { MaxNewTokens = 5 })[0].Text.Trim(), samples[1].Answer);
        Assert.Empty(new AnswerSampler(model, texts, count: 2).Answer());
    }

    // A model of random weights hardly ever ends a text by its own end token: take as such the one that most of its answers come to.
    private void EndWhereTheModelOftenGoes()
    {
        var prompts = Enumerable.Range(0, 40).Select(i => model.EncodeChat([new("user", $"Which colour has number {i}?")])).ToList();
        var end = model.GenerateBatch(prompts, new GenerationOptions { MaxNewTokens = 40 }).SelectMany(g => g.Ids.Skip(3).Distinct()).GroupBy(i => i).Where(g => g.Count() <= 30).MaxBy(g => g.Count())!.Key;
        model.Dispose();
        model = Load();
        var config = Path.Combine(folder, "model", "config.json");
        var json = JsonNode.Parse(File.ReadAllText(config))!;
        json["eos_token_id"] = end;
        File.WriteAllText(config, json.ToJsonString());
        model.Dispose();
        model = ModelLoader.Load(Path.Combine(folder, "model"), new ModelLoadOptions());
        Assert.Contains(end, model.EndTokens);
    }

    public void Dispose()
    {
        model.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}
