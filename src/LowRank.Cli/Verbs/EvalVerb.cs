using System.CommandLine;
using LowRank.Cli.Evaluations;
using LowRank.Cli.Options;
using LowRank.Cli.Terminal;
using LowRank.Training.Data;
using LowRank.Training.Data.Sources;
using LowRank.Training.Evaluation;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank eval</c>: loss, perplexity and accuracy of a model on a data file, with its adapter beside the base.</summary>
internal static class EvalVerb
{
    public static VerbCommand Create(Screen screen)
    {
        var standard = new EvaluationOptions();
        var data = new Option<string>("--data") { Description = "The data: a file, a folder or a data set of the hub as org/name, with :split or :file, or a pattern of files.", HelpName = "DATA", Required = true };
        var columns = new Option<string>("--columns") { Description = "Fields of other names: the field, then its name in the file, such as prompt=question,response=answer.", HelpName = "FIELD=NAME,..." };
        var metric = new Option<EvaluationMetric>("--metric") { Description = "loss: loss and perplexity. Besides these, exact: the share of exactly right answers; f1: SQuAD's F1; choice: multiple choice by likelihood (acc, acc_norm); preference: how often the better of two answers is the likelier. [default: loss]", HelpName = "NAME" };
        var pattern = new Option<string?>("--answer-pattern") { Description = "With --metric exact: a regular expression for what counts of an answer, its first group or the whole match, such as '#### (.*)'.", HelpName = "REGEX" };
        var batch = Count("--batch", "Rows at a time.", standard.BatchSize);
        var maxNewTokens = Count("--max-new-tokens", "Most tokens of a generated answer.", standard.MaxNewTokens);
        var trainOn = new Option<TrainOn>("--train-on") { Description = "What the loss counts: assistant, last or all. [default: assistant]", HelpName = "TURNS" };
        var maxLength = new Option<int?>("--max-length") { Description = "Tokens kept of a row. [default: 2048, or what the model was made for]", HelpName = "COUNT" }.AtLeast(2);
        var maxSamples = new Option<int?>("--max-samples") { Description = "Use only the first rows of the file.", HelpName = "COUNT" }.AtLeast(1);
        var wrong = new Option<int>("--wrong") { Description = "Wrong answers to show. [default: 3]", HelpName = "COUNT", DefaultValueFactory = _ => 3 }.AtLeast(0);
        var adapterOnly = new Option<bool>("--adapter-only") { Description = "Do not evaluate the base beside the adapter, which takes half the time." };
        var json = new Option<bool>("--json") { Description = "Print JSON: loss, perplexity, supervised_tokens, rows, and accuracy, f1, acc_norm, reward_accuracy where measured, intervals; with an adapter its numbers, those of the base under base, and difference." };
        var verb = new VerbCommand("eval", "Measure a model on a data file: loss, perplexity, accuracy, F1, multiple choice, preferences; with an adapter, side by side with the base.",
            "lowrank eval --adapter out --data test.jsonl --metric exact");
        verb.AddGroup("data", [data, columns, metric, pattern, trainOn, maxLength, maxSamples, batch, maxNewTokens]);
        var models = new ModelOptions();
        models.AddTo(verb);
        foreach (var option in (Option[])[wrong, adapterOnly, json]) verb.Add(option);
        verb.SetAction(async (parsed, cancellation) =>
        {
            var rows = DataSource.Load(parsed.GetRequiredValue(data), new DatasetOptions { Columns = ColumnMap.Parse(parsed.GetValue(columns)) }, progress: screen.Progress, cancellation: cancellation).Rows;
            if (parsed.GetValue(maxSamples) is { } most) rows = [.. rows.Take(most)];
            var options = standard with
            {
                Metric = parsed.GetValue(metric),
                BatchSize = parsed.GetValue(batch),
                MaxNewTokens = parsed.GetValue(maxNewTokens),
                TrainOn = parsed.GetValue(trainOn),
                MaxLength = parsed.GetValue(maxLength),
                AnswerPattern = parsed.GetValue(pattern),
            };
            options.Validate();
            using var model = await models.LoadAsync(parsed, screen, cancellation).ConfigureAwait(false);
            var (result, comparison) = (default(EvaluationResult), default(EvaluationComparison));
            await ProgressBar.ShowAsync(screen, "evaluating", tell =>
            {
                void Tell(EvaluationProgress p) => tell(p.Done, p.Total);
                if (model.Adapter is null || parsed.GetValue(adapterOnly)) result = Evaluator.Evaluate(model, rows, options, Tell, cancellation);
                else comparison = Evaluator.Compare(model, rows, options, Tell, cancellation);
            }).ConfigureAwait(false);
            EvaluationView.Show(screen, comparison?.Adapter ?? result!, comparison, parsed.GetValue(wrong), parsed.GetValue(json));
            return ExitCode.Done;
        });
        return verb;
    }

    private static Option<int> Count(string name, string help, int standard) =>
        new Option<int>(name) { Description = $"{help} [default: {standard}]", HelpName = "COUNT", DefaultValueFactory = _ => standard }.AtLeast(1);
}
