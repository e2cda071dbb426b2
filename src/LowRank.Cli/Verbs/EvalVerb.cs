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
        var metric = new Option<EvaluationMetric>("--metric") { Description = "loss: loss and perplexity. exact: the share of exactly right answers too. [default: loss]", HelpName = "NAME" };
        var batch = Count("--batch", "Rows at a time.", standard.BatchSize);
        var maxNewTokens = Count("--max-new-tokens", "Most tokens of a generated answer.", standard.MaxNewTokens);
        var trainOn = new Option<TrainOn>("--train-on") { Description = "What the loss counts: assistant, last or all. [default: assistant]", HelpName = "TURNS" };
        var maxLength = new Option<int?>("--max-length") { Description = "Tokens kept of a row. [default: 2048, or what the model was made for]", HelpName = "COUNT" }.AtLeast(2);
        var maxSamples = new Option<int?>("--max-samples") { Description = "Use only the first rows of the file.", HelpName = "COUNT" }.AtLeast(1);
        var wrong = new Option<int>("--wrong") { Description = "Wrong answers to show with --metric exact. [default: 3]", HelpName = "COUNT", DefaultValueFactory = _ => 3 }.AtLeast(0);
        var adapterOnly = new Option<bool>("--adapter-only") { Description = "Do not evaluate the base beside the adapter, which takes half the time." };
        var json = new Option<bool>("--json") { Description = "Print JSON: loss, perplexity, supervised_tokens, accuracy, rows; with an adapter its numbers, and those of the base under base." };
        var verb = new VerbCommand("eval", "Measure a model on a data file: loss, perplexity, accuracy; with an adapter, side by side with the base.",
            "lowrank eval --adapter out --data test.jsonl --metric exact");
        verb.AddGroup("data", [data, columns, metric, trainOn, maxLength, maxSamples, batch, maxNewTokens]);
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
            };
            using var model = await models.LoadAsync(parsed, screen, cancellation).ConfigureAwait(false);
            var (result, baseline) = (default(EvaluationResult), default(EvaluationResult));
            await ProgressBar.ShowAsync(screen, "evaluating", tell =>
            {
                void Tell(EvaluationProgress p) => tell(p.Done, p.Total);
                if (model.Adapter is null || parsed.GetValue(adapterOnly)) result = Evaluator.Evaluate(model, rows, options, Tell, cancellation);
                else (baseline, result) = Evaluator.Compare(model, rows, options, Tell, cancellation);
            }).ConfigureAwait(false);
            EvaluationView.Show(screen, result!, baseline, parsed.GetValue(wrong), parsed.GetValue(json));
            return ExitCode.Done;
        });
        return verb;
    }

    private static Option<int> Count(string name, string help, int standard) =>
        new Option<int>(name) { Description = $"{help} [default: {standard}]", HelpName = "COUNT", DefaultValueFactory = _ => standard }.AtLeast(1);
}
