using LowRank.Training.Checkpoints;
using LowRank.Training.Runs;

namespace LowRank.Training.Reports;

/// <summary>The part of a report that says what to do with what was trained.</summary>
internal static class ReportUse
{
    /// <summary>Commands and programs for the result of the run.</summary>
    public static IReadOnlyList<ReportBlock> Of(RunHistory run)
    {
        var (settings, name) = (run.Record.Settings, Path.GetFileName(run.Folder));
        if (run.State is not (RunState.Finished or RunState.StoppedEarly))
            return [new ReportText(TrainingCheckpoint.Newest(run.Folder) is { } newest ? $"The run is not done. Its newest checkpoint is {Path.GetFileName(newest)}, which can be used like a result. Go on with:" : "The run is not done, and took no checkpoint yet. Go on with:"),
                new ReportCode("sh", $"lowrank train --resume {Quoted(run.Folder)}")];
        var output = Quoted(run.Folder);
        if (settings.Adapter.Method == "full")
            return [new ReportText($"The folder {name} holds a whole model in the form of Hugging Face."), new ReportCode("sh", $"lowrank chat --model {output}\nlowrank generate --model {output} --prompt \"…\"\nlowrank export --model {output} --type q8_0 --output model.gguf")];
        var model = Quoted(settings.Model.Model);
        return
        [
            new ReportText($"The folder {name} holds the adapter in the form of PEFT (adapter_config.json, adapter_model.safetensors); it belongs to the base {settings.Model.Model}."),
            new ReportCode("sh", $"lowrank chat --model {model} --adapter {output}\nlowrank eval --model {model} --adapter {output} --data test.jsonl --metric exact\nlowrank merge --model {model} --adapter {output} --output merged\nlowrank export --model {model} --adapter {output} --type q8_0 --output model.gguf"),
            new ReportText("From .NET:"),
            new ReportCode("csharp", $"using var model = await LanguageModel.LoadAsync({Literal(settings.Model.Model)});\nmodel.LoadAdapter({Literal(run.Folder)});\nawait foreach (var piece in model.ChatAsync([new ChatMessage(\"user\", \"…\")])) Console.Write(piece);"),
            new ReportText("From Python, with the base as a Hugging Face folder or hub id:"),
            new ReportCode("python", $"model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(\"BASE\"), {Literal(run.Folder)})"),
        ];
    }

    private static string Quoted(string path) => path.Contains(' ', StringComparison.Ordinal) ? $"\"{path}\"" : path;

    private static string Literal(string text) => $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
