using System.CommandLine;
using LowRank.Cli.Inspection;
using LowRank.Cli.Options;
using LowRank.Cli.Terminal;
using LowRank.Formats;
using LowRank.Training.Data;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank inspect</c>: what is in a checkpoint, an adapter or a data set.</summary>
internal static class InspectVerb
{
    public static VerbCommand Create(Screen screen)
    {
        var path = new Argument<string>("PATH") { Description = "A safetensors or GGUF file, a model or adapter folder, or a data file (.jsonl, .json, .txt)." };
        var model = new Option<string>("--model") { Description = "Show a data file's rows as this model sees them, with what is learned marked.", HelpName = "MODEL" };
        var rows = new Option<int>("--rows") { Description = "Rows of a data file to show.", HelpName = "COUNT", DefaultValueFactory = _ => 3 };
        var trainOn = new Option<TrainOn>("--train-on") { Description = "Which turns are learned: assistant, last or all. [default: assistant]", HelpName = "TURNS" };
        var maxLength = new Option<int>("--max-length") { Description = "Tokens kept of a row. [default: 2048, or what the model was made for]", HelpName = "COUNT", DefaultValueFactory = _ => 2048 };
        var tensors = new Option<bool>("--tensors") { Description = "List every tensor of a checkpoint." };
        var json = new Option<bool>("--json") { Description = "Print everything as JSON." };
        rows.AtLeast(0);
        maxLength.AtLeast(2);
        var verb = new VerbCommand("inspect", "Show what is in a checkpoint, an adapter or a data set.",
            "lowrank inspect model.safetensors", "lowrank inspect data.jsonl --model SmolLM2-135M-Instruct.Q4_1.gguf --rows 2") { path, model, rows, trainOn, maxLength, tensors, json };
        verb.SetAction((parsed, cancellation) =>
        {
            var file = parsed.GetRequiredValue(path);
            if (DataFile.IsOne(file))
                return Task.FromResult(DataFile.Show(screen, file, parsed.GetValue(model), parsed.GetValue(rows), new ExampleOptions { TrainOn = parsed.GetValue(trainOn), MaxLength = parsed.GetValue(maxLength) }, parsed.GetValue(json), cancellation));
            if (!File.Exists(file) && !Directory.Exists(file)) throw new LowRankException($"{file} does not exist: inspect takes a safetensors or GGUF file, a model or adapter folder, or a data file.");
            if (parsed.GetValue(model) is not null) throw new UsageException($"--model is for data files; {file} is none.");
            CheckpointView.Show(screen, CheckpointSummary.Of(file), parsed.GetValue(tensors), parsed.GetValue(json));
            return Task.FromResult(ExitCode.Done);
        });
        return verb;
    }
}
