using System.CommandLine;
using LowRank.Cli.Inspection;
using LowRank.Cli.Options;
using LowRank.Cli.Terminal;
using LowRank.Formats;
using LowRank.Training.Data;
using LowRank.Training.Data.Sources;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank inspect</c>: what is in a checkpoint, an adapter or a data set.</summary>
internal static class InspectVerb
{
    public static VerbCommand Create(Screen screen)
    {
        var path = new Argument<string>("PATH") { Description = "A safetensors or GGUF file, a model or adapter folder, or data: a file (.jsonl, .json, .parquet, .csv, .tsv, .txt), a folder of them, a pattern, or several with commas." };
        var model = new Option<string>("--model") { Description = "Show a data file's rows as this model sees them, with what is learned marked.", HelpName = "MODEL" };
        var rows = new Option<int>("--rows") { Description = "Rows of a data file to show.", HelpName = "COUNT", DefaultValueFactory = _ => 3 };
        var trainOn = new Option<TrainOn>("--train-on") { Description = "Which turns are learned: assistant, last or all. [default: assistant]", HelpName = "TURNS" };
        var maxLength = new Option<int>("--max-length") { Description = "Tokens kept of a row. [default: 2048, or what the model was made for]", HelpName = "COUNT", DefaultValueFactory = _ => 2048 };
        var validation = new Option<string>("--validation") { Description = "Held-out data: rows that training has seen too are told. [default: the validation split of a folder]", HelpName = "DATA" };
        var columns = new Option<string>("--columns") { Description = "Fields of other names in a data file: the field, then its name, such as prompt=question,response=answer.", HelpName = "FIELD=NAME,..." };
        var onBadRow = new Option<BadRows>("--on-bad-row") { Description = "What is done about rows that are wrong: stop or skip. [default: stop]", HelpName = "NAME" };
        var picture = new Option<string>("--picture") { Description = "Draw the lengths of the rows into this PNG file.", HelpName = "FILE" };
        var tensors = new Option<bool>("--tensors") { Description = "List every tensor of a checkpoint." };
        var json = new Option<bool>("--json") { Description = "Print everything as JSON." };
        rows.AtLeast(0);
        maxLength.AtLeast(2);
        var verb = new VerbCommand("inspect", "Show what is in a checkpoint, an adapter or a data set.",
            "lowrank inspect model.safetensors", "lowrank inspect data.jsonl --model SmolLM2-135M-Instruct.Q4_1.gguf --rows 2", "lowrank inspect train.parquet --validation test.parquet --picture lengths.png") { path, model, rows, trainOn, maxLength, validation, columns, onBadRow, picture, tensors, json };
        verb.SetAction((parsed, cancellation) =>
        {
            var file = parsed.GetRequiredValue(path);
            if (DataFile.IsOne(file))
            {
                var reading = new DatasetOptions { Columns = ColumnMap.Parse(parsed.GetValue(columns)), OnBadRow = parsed.GetValue(onBadRow) };
                return Task.FromResult(DataFile.Show(screen, new DataRequest(file, reading, new ExampleOptions { TrainOn = parsed.GetValue(trainOn), MaxLength = parsed.GetValue(maxLength) })
                {
                    Validation = parsed.GetValue(validation),
                    Model = parsed.GetValue(model),
                    Rows = parsed.GetValue(rows),
                    Picture = parsed.GetValue(picture),
                    Json = parsed.GetValue(json),
                }, cancellation));
            }
            if (!File.Exists(file) && !Directory.Exists(file)) throw new LowRankException($"{file} does not exist: inspect takes a safetensors or GGUF file, a model or adapter folder, or a data file.");
            if (parsed.GetValue(model) is not null) throw new UsageException($"--model is for data files; {file} is none.");
            CheckpointView.Show(screen, CheckpointSummary.Of(file), parsed.GetValue(tensors), parsed.GetValue(json));
            return Task.FromResult(ExitCode.Done);
        });
        return verb;
    }
}
