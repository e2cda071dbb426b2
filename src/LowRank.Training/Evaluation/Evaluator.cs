using LowRank.Models;
using LowRank.Models.Generation;
using LowRank.Training.Data;
using LowRank.Training.Evaluation.Answers;
using LowRank.Training.Evaluation.Choices;
using LowRank.Training.Evaluation.Statistics;
using LowRank.Training.Objectives;
using LowRank.Training.Packing;

namespace LowRank.Training.Evaluation;

/// <summary>Measures a model on held-out data, on the calling thread.</summary>
public static class Evaluator
{
    /// <summary>Everything that <paramref name="options"/> asks for, with the adapter if the model has one.</summary>
    /// <param name="model">The model.</param>
    /// <param name="rows">The rows; at least one.</param>
    /// <param name="options">What is measured and how; null for the loss alone.</param>
    /// <param name="progress">Is told rows done.</param>
    /// <param name="cancellation">Ends the evaluation within a batch or token.</param>
    /// <exception cref="DatasetException">Some rows hold nothing to learn or, for answers, no question; all of them are listed.</exception>
    public static EvaluationResult Evaluate(LanguageModel model, IReadOnlyList<DataRow> rows, EvaluationOptions? options = null, Action<EvaluationProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new EvaluationOptions();
        options.Validate();
        var limit = (int)Math.Min(options.MaxLength ?? 2048, model.Decoder.Spec.MaxPositions);
        void Tell(EvaluationMetric stage, int done, int total) => progress?.Invoke(new EvaluationProgress(stage, done, total));
        var metric = options.Metric;
        var builder = ExampleBuilder.For(model, new ExampleOptions { MaxLength = limit, TrainOn = options.TrainOn, Preferences = metric == EvaluationMetric.Preference });
        var examples = builder.Build(rows, cancellation).Examples;
        var batches = new BatchOptions { BatchSize = options.BatchSize, Layout = BatchLayout.GroupedByLength };
        if (metric == EvaluationMetric.Preference) return PreferenceEvaluation.Run(model, examples, batches, done => Tell(metric, done, examples.Count), cancellation);
        // Rows without a question are told before the minutes that the loss takes.
        var questions = metric is EvaluationMetric.Exact or EvaluationMetric.F1 ? Question.Of(model, rows) : [];
        var choices = metric == EvaluationMetric.Choice ? ChoiceQuestion.Of(model, rows, limit) : [];
        var loss = Loss(model, examples, batches, done => Tell(EvaluationMetric.Loss, done, examples.Count), cancellation);
        void Done(int done) => Tell(metric, done, rows.Count);
        return metric switch
        {
            EvaluationMetric.Exact => ExactMatch(model, questions, options, Done, cancellation).AddTo(loss),
            EvaluationMetric.F1 => AnswerOverlap.Judge(loss, questions, Answers(model, questions, options, null, Done, cancellation)),
            EvaluationMetric.Choice => MultipleChoice.Judge(loss, choices, MultipleChoice.LogLikelihoods(model, choices, options.BatchSize, Done, cancellation)),
            _ => loss,
        };
    }

    /// <summary>The same rows without and with the model's adapter.</summary>
    /// <inheritdoc cref="Evaluate"/>
    /// <exception cref="LowRankException">The model has no adapter, or one that cannot be switched off because it trained biases or whole modules.</exception>
    public static EvaluationComparison Compare(LanguageModel model, IReadOnlyList<DataRow> rows, EvaluationOptions? options = null, Action<EvaluationProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        var adapter = model.Adapter ?? throw new LowRankException("The model has no adapter to compare with: load one first.");
        if (!adapter.CanShowBase)
            throw new LowRankException("The adapter holds trained biases or whole modules, which cannot be switched off to show the base. Evaluate the model without the adapter instead.");
        EvaluationResult baseline;
        using (adapter.Disable()) baseline = Evaluate(model, rows, options, progress, cancellation);
        return new EvaluationComparison(baseline, Evaluate(model, rows, options, progress, cancellation));
    }

    /// <summary>The loss per supervised token, each token counted alike whatever row or batch it stands in.</summary>
    /// <param name="model">The model, with its adapter if it has one.</param>
    /// <param name="examples">The examples; at least one.</param>
    /// <param name="batches">How they become batches; the result does not depend on it beyond rounding.</param>
    /// <param name="progress">Is told examples done.</param>
    /// <param name="cancellation">Ends the evaluation after a batch.</param>
    public static EvaluationResult Loss(LanguageModel model, IReadOnlyList<Example> examples, BatchOptions batches, Action<int>? progress = null, CancellationToken cancellation = default)
    {
        var (losses, tokens, done) = (new double[examples.Count], new double[examples.Count], 0);
        foreach (var batch in EpochSampler.OneEpoch(examples, batches with { Shuffle = false }))
        {
            cancellation.ThrowIfCancellationRequested();
            var each = CausalLoss.EvaluateEach(model.Decoder, batch);
            for (var i = 0; i < each.Length; i++) (losses[batch.Examples[i]], tokens[batch.Examples[i]]) = (each[i], examples[batch.Examples[i]].SupervisedTokens);
            progress?.Invoke(done += batch.Examples.Count);
        }
        return new EvaluationResult { Loss = losses.Sum() / Math.Max(1, tokens.Sum()), SupervisedTokens = (long)tokens.Sum(), Rows = examples.Count, Figures = [new Figure("loss", losses, tokens)] };
    }

    /// <summary>The share of rows that the model answers exactly as the data does; <see cref="ExactMatchResult"/> has the rule.</summary>
    /// <param name="model">The model, with its adapter if it has one.</param>
    /// <param name="rows">Conversations that hold an assistant turn, or rows of prompt and completion; at least one.</param>
    /// <param name="options">How answers are generated; null for the defaults.</param>
    /// <param name="progress">Is told rows done.</param>
    /// <param name="cancellation">Ends the evaluation within a token.</param>
    /// <exception cref="DatasetException">Some rows have no question or answer, or one that fills the model's context; all of them are listed.</exception>
    public static ExactMatchResult ExactMatch(LanguageModel model, IReadOnlyList<DataRow> rows, EvaluationOptions? options = null, Action<int>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(rows);
        options ??= new EvaluationOptions();
        options.Validate();
        return ExactMatch(model, Question.Of(model, rows), options, progress, cancellation);
    }

    private static ExactMatchResult ExactMatch(LanguageModel model, IReadOnlyList<Question> questions, EvaluationOptions options, Action<int>? progress, CancellationToken cancellation)
    {
        var pattern = options.AnswerPattern is null ? null : new AnswerPattern(options.AnswerPattern);
        string[] expected = [.. questions.Select(q => pattern is null ? q.Answer.Trim() : pattern.Find(q.Answer) ?? throw new DatasetException(q.Place, $"--answer-pattern finds nothing in the expected answer \"{q.Answer}\""))];
        // An answer that is longer than the expected one cannot equal it: it need not be generated to its end. What a pattern looks for may come late.
        int[]? limits = pattern is null ? [.. questions.Select(q => model.Tokenizer.Encode(q.Answer).Length + options.AnswerMargin)] : null;
        var answers = Answers(model, questions, options, limits, progress, cancellation);
        var wrong = new List<WrongAnswer>();
        var right = new bool[questions.Count];
        for (var i = 0; i < questions.Count; i++)
        {
            var (text, ended) = (answers[i].Text.Trim(), answers[i].Finish == FinishReason.EndToken);
            right[i] = string.Equals(expected[i], pattern is null ? text : pattern.Find(text), StringComparison.Ordinal) && (ended || pattern is not null);
            if (!right[i]) wrong.Add(new WrongAnswer(questions[i].Place, expected[i], text, ended));
        }
        return new ExactMatchResult(questions.Count, questions.Count - wrong.Count, wrong) { Answers = right };
    }

    private static IReadOnlyList<GeneratedText> Answers(LanguageModel model, IReadOnlyList<Question> questions, EvaluationOptions options, int[]? limits, Action<int>? progress, CancellationToken cancellation) =>
        new TextGenerator(model).GenerateBatch([.. questions.Select(q => q.Prompt)], new GenerationOptions { MaxNewTokens = options.MaxNewTokens }, 2 * options.BatchSize, limits, progress, cancellation: cancellation);
}
