using System.Text.Json.Nodes;
using LowRank.Adapters;
using LowRank.Models;
using LowRank.Models.Checkpoints;
using LowRank.Models.Generation;
using LowRank.Testing;
using LowRank.Training.Data;
using LowRank.Training.Evaluation;
using LowRank.Training.Evaluation.Answers;
using LowRank.Training.Evaluation.Choices;
using LowRank.Training.Evaluation.Statistics;
using LowRank.Training.Objectives;
using LowRank.Training.Packing;
using LowRank.Training.Tests.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Tests.Evaluation;

/// <summary>F1, patterns for answers, multiple choice, preferences, and intervals.</summary>
public sealed class MetricTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly LanguageModel model;

    public MetricTests() => model = ModelLoader.Load(TinyModel.Create(folder.At("model")), new ModelLoadOptions());

    public void Dispose()
    {
        model.Dispose();
        folder.Dispose();
    }

    private IReadOnlyList<DataRow> Rows(IEnumerable<JsonObject> rows)
    {
        var path = folder.At($"{Guid.NewGuid():N}.jsonl");
        File.WriteAllLines(path, rows.Select(r => r.ToJsonString()));
        return Dataset.Load(path).Rows;
    }

    private static JsonObject Pair(string question, string answer) => new() { ["question"] = question, ["answer"] = answer };

    // SQuAD's evaluate-v1.1.py on these pairs, by hand: words without case, punctuation and articles.
    [Theory]
    [InlineData("The Eiffel Tower", "eiffel tower.", 1, true), InlineData("in the year 1900", "1900", 0.5, false), InlineData("a", "the", 1, true), InlineData("", "something", 0, false)]
    [InlineData("red red blue", "red red red", 2.0 / 3, false), InlineData("don't", "dont", 1, true), InlineData("theatre an", "Theatre", 1, true), InlineData("x", "y", 0, false)]
    public void F1_compares_as_squad_does(string expected, string got, double f1, bool isEqual)
    {
        Assert.Equal(f1, SquadText.F1(expected, got), 1e-12);
        Assert.Equal(isEqual, SquadText.AreEqual(expected, got));
    }

    [Theory]
    [InlineData("#### (.*)", "So 5.\n#### 1,234.", "1234"), InlineData("#### (.*)", "#### $18 \n", "18"), InlineData("#### (.*)", "no answer", null), InlineData(@"-?\d+", "first 3 then 4", "3")]
    [InlineData("(?s).*answer is ([A-D])", "the answer is A, no, the answer is B", "B"), InlineData("#### (.*)", "#### two, three", "two, three")]
    [InlineData("([-0-9.,]*[0-9])[^0-9]*$", "first 3, then 1,204.5 in all.", "1204.5")]
    public void A_pattern_finds_what_counts(string pattern, string text, string? found) => Assert.Equal(found, new AnswerPattern(pattern).Find(text));

    [Fact]
    public void A_pattern_that_is_none_or_never_ends_is_told()
    {
        Assert.Contains("--answer-pattern: ", Assert.Throws<LowRankException>(() => new EvaluationOptions { Metric = EvaluationMetric.Exact, AnswerPattern = "(" }.Validate()).Message, StringComparison.Ordinal);
        Assert.Contains("--metric exact", Assert.Throws<LowRankException>(() => new EvaluationOptions { AnswerPattern = "x" }.Validate()).Message, StringComparison.Ordinal);
        Assert.Contains("backtracks too much", Assert.Throws<LowRankException>(() => new AnswerPattern("^(a+)+$").Find(new string('a', 40) + "!")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Generated_answers_are_compared_by_overlap_and_by_pattern()
    {
        string[] questions = [.. Enumerable.Range(0, 8).Select(i => $"Which colour has number {i}?")];
        string[] answers = [.. questions.Select(q => model.GenerateBatch([model.EncodeChat([new("user", q)])], new GenerationOptions { MaxNewTokens = 12 })[0].Text.Trim())];
        // Every second expected answer begins as the model's does, and then says something else.
        var rows = Rows(questions.Select((q, i) => Pair(q, i % 2 == 0 ? answers[i] + " zzz qqq" : "nothing of it")));
        var f1 = Evaluator.Evaluate(model, rows, new EvaluationOptions { Metric = EvaluationMetric.F1, MaxNewTokens = 12 }, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(Enumerable.Range(0, 8).Average(i => SquadText.F1(rows[i].Completion!, answers[i])), f1.F1!.Value, 1e-12);
        Assert.True(f1.F1 > 0.1 && f1.Accuracy == 0 && f1.Wrong.Count == 8, $"{f1.F1} {f1.Accuracy}");

        var first = Rows(questions.Select((q, i) => Pair(q, "=" + (i % 4 == 0 ? "?" : answers[i][..1]))));
        var options = new EvaluationOptions { Metric = EvaluationMetric.Exact, AnswerPattern = "^=?(.)", MaxNewTokens = 12 };
        var exact = Evaluator.Evaluate(model, first, options, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(Enumerable.Range(0, 8).Count(i => new AnswerPattern("^=?(.)").Find(answers[i]) == (i % 4 == 0 ? "?" : answers[i][..1])) / 8.0, exact.Accuracy);
        Assert.True(exact.Accuracy >= 0.5);
        Assert.Contains("finds nothing in the expected answer", Assert.Throws<DatasetException>(() => Evaluator.Evaluate(model, first, options with { AnswerPattern = "@(.)" })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Multiple_choice_is_that_of_whole_logits_tokenized_as_in_the_harness()
    {
        string[][] choices = [["red", "a long green answer", "blue"], ["yes", "no"], ["one", "two words", "three words here", "four"]];
        // A context that ends with white space gives it to the choice.
        string[] contexts = ["Which colour is it?\nAnswer:", "Is it so? ", "How many are there in all of this, when everything is counted?"];
        var rows = Rows(contexts.Select((c, i) => new JsonObject { ["query"] = c, ["choices"] = new JsonArray([.. choices[i].Select(t => (JsonNode)t)]), ["gold"] = i % 2 }));
        var questions = ChoiceQuestion.Of(model, rows, 256);
        var got = MultipleChoice.LogLikelihoods(model, questions, 4, null, TestContext.Current.CancellationToken);
        for (var q = 0; q < contexts.Length; q++)
            for (var c = 0; c < choices[q].Length; c++)
            {
                var (whole, before) = (model.Tokenizer.Encode(contexts[q].TrimEnd() + contexts[q][contexts[q].TrimEnd().Length..] + " " + choices[q][c]), model.Tokenizer.Encode(contexts[q].TrimEnd()));
                Assert.Equal(whole, questions[q].Sequences[c].InputIds.ToArray());
                Assert.Equal(Plain(whole, before.Length), got[q][c], 1e-4);
            }
        var result = Evaluator.Evaluate(model, rows, new EvaluationOptions { Metric = EvaluationMetric.Choice, BatchSize = 3 }, cancellation: TestContext.Current.CancellationToken);
        static int Best(IEnumerable<double> values) => values.Select((v, i) => (v, i)).MaxBy(p => p.v).i;
        Assert.Equal(Enumerable.Range(0, 3).Average(q => Best(got[q]) == q % 2 ? 1.0 : 0), result.Accuracy);
        Assert.Equal(Enumerable.Range(0, 3).Average(q => Best(got[q].Select((l, c) => l / choices[q][c].Length)) == q % 2 ? 1.0 : 0), result.AccuracyNormalized);
        Assert.Contains("is no multiple choice", Assert.Throws<DatasetException>(() => ChoiceQuestion.Of(model, Rows([Pair("a", "b")]), 256)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_context_that_is_too_long_loses_its_beginning_and_an_empty_one_gets_a_token()
    {
        var rows = Rows([new JsonObject { ["query"] = string.Join(' ', Enumerable.Repeat("word", 60)) + " end:", ["choices"] = new JsonArray("a", "b"), ["gold"] = 0 }, new JsonObject { ["query"] = "", ["choices"] = new JsonArray("a", "b"), ["gold"] = 0 }]);
        var questions = ChoiceQuestion.Of(model, rows, 20);
        var whole = model.Tokenizer.Encode(rows[0].Prompt + " a");
        Assert.Equal(whole[^20..], questions[0].Sequences[0].InputIds.ToArray());
        Assert.Equal([model.EndTokens[0], .. model.Tokenizer.Encode(" a")], questions[1].Sequences[0].InputIds.ToArray());
        Assert.Equal(model.Tokenizer.Encode(" a").Length, questions[1].Sequences[0].SupervisedTokens);
    }

    private double Plain(int[] ids, int contextLength)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var input = Models.Decoder.DecoderInput.Padded([.. ids.Select(i => (long)i)], 1);
        var logps = nn.functional.log_softmax(model.Decoder.Logits(model.Decoder.Hidden(input)).to(ScalarType.Float64), -1)[0];
        return Enumerable.Range(contextLength, ids.Length - contextLength).Sum(t => logps[t - 1, ids[t]].item<double>());
    }

    [Fact]
    public void Preferences_are_judged_without_and_with_the_adapter()
    {
        var rows = Dataset.Load(PreferenceData.Create(folder.At("pairs.jsonl"), 12)).Rows;
        var options = new EvaluationOptions { Metric = EvaluationMetric.Preference, BatchSize = 5 };
        var alone = Evaluator.Evaluate(model, rows, options, cancellation: TestContext.Current.CancellationToken);
        Assert.Null(alone.RewardAccuracy);
        var adapter = model.Attach(new LoraConfig { Rank = 4, Alpha = 4 }, seed: 3);
        using (no_grad())
            foreach (var b in adapter.Values().Where(v => v.Key.EndsWith("lora_B.weight", StringComparison.Ordinal))) b.Value.fill_(0.1);
        var both = Evaluator.Compare(model, rows, options, null, TestContext.Current.CancellationToken);
        Assert.Equal((alone.Loss, alone.Accuracy, null), (both.Base.Loss, both.Base.Accuracy, both.Base.RewardAccuracy));

        var pairs = ExampleBuilder.For(model, new ExampleOptions { Preferences = true }).Build(rows, TestContext.Current.CancellationToken).Examples;
        var (likelier, rewarded) = (0, 0);
        foreach (var pair in pairs)
        {
            var batch = EpochSampler.OneEpoch([pair], new BatchOptions()).Single();
            var with = CausalLoss.EvaluateEach(model.Decoder, batch);
            double[] without;
            using (adapter.Disable()) without = CausalLoss.EvaluateEach(model.Decoder, batch);
            if (with[0] < with[1]) likelier++;
            if (without[0] - with[0] > without[1] - with[1]) rewarded++;
        }
        Assert.Equal((likelier / 12.0, rewarded / 12.0), (both.Adapter.Accuracy, both.Adapter.RewardAccuracy));
        Assert.Equal(["accuracy", "loss"], both.Differences().Keys.Order(StringComparer.Ordinal));
        Assert.Contains("preferences need two", Assert.Throws<DatasetException>(() => Evaluator.Evaluate(model, Rows([Pair("a", "b")]), options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Intervals_of_a_difference_are_paired()
    {
        // Two models that are right on nearly the same rows: each figure is uncertain, their difference is not.
        var (a, b) = (new Figure("accuracy", [.. Enumerable.Range(0, 200).Select(i => i % 2 == 0 || i % 40 == 1 ? 1.0 : 0)]), new Figure("accuracy", [.. Enumerable.Range(0, 200).Select(i => i % 2 == 0 ? 1.0 : 0)]));
        var (interval, difference) = (a.Interval()!, a.Minus(b)!);
        Assert.Equal(0.025, difference.Value, 1e-12);
        // The standard error of a share of 0.525 over 200 rows is 0.035, that of 5 changed rows 0.011: intervals are 1.96 times these on each side, and the draws' own noise a few per cent of that.
        Assert.Equal(4 * 0.0346, interval.High - interval.Low, 0.01);
        Assert.Equal(4 * 0.011, difference.High - difference.Low, 0.006);
        Assert.Equal(new FigureDifference(0, 0, 0), a.Minus(a));

        // A loss per token: rows weigh by their tokens.
        var loss = new Figure("loss", [2, 30], [1, 10]);
        Assert.Equal(new Figure("loss", [1, 20], [1, 10]).Minus(loss)!.Value, -11.0 / 11, 1e-12);
        Assert.Null(loss.Minus(new Figure("loss", [2, 30], [1, 11])));
        Assert.Null(a.Minus(loss));
    }
}
