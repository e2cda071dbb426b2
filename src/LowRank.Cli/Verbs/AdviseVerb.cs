using System.CommandLine;
using LowRank.Cli.Advices;
using LowRank.Cli.Options;
using LowRank.Cli.Terminal;
using LowRank.Training.Advice;
using LowRank.Training.Planning.Sources;
using LowRank.Training.Settings;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank advise</c>: which settings to take for this model, data, memory and purpose, and why.</summary>
internal static class AdviseVerb
{
    public static VerbCommand Create(Screen screen)
    {
        var model = new Argument<string?>("MODEL") { Description = "A model folder, a config.json, a .gguf file, a hub id that is in the cache, or a well-known model such as llama-2-7b.", Arity = ArgumentArity.ZeroOrOne };
        var named = new Option<string>("--model") { Description = "The same as MODEL.", HelpName = "MODEL" };
        var write = new Option<string>("--write") { Description = "Write the settings as a file for train --config.", HelpName = "FILE" };
        var json = new Option<bool>("--json") { Description = "Print the recommendation as JSON." };
        var verb = new VerbCommand("advise", "Recommend settings for a model, data and memory, each with its reason.",
            "lowrank advise llama-2-7b --examples 2000 --device t4", "lowrank advise SmolLM2-135M-Instruct.Q4_1.gguf --data rows.jsonl --write run.yaml") { model };
        var options = new SettingsOptions(SettingsSchema<AdviceSettings>.All);
        options.AddTo(verb);
        verb.Add(named);
        verb.Add(write);
        verb.Add(json);
        verb.SetAction(async (parsed, cancellation) =>
        {
            var name = parsed.GetValue(named) ?? parsed.GetValue(model) ?? throw new UsageException("Which model? lowrank advise MODEL, such as a folder, a .gguf file or llama-2-7b.");
            var settings = SettingsBinder.Read<AdviceSettings>(options.Entries(parsed));
            var advice = await Task.Run(() => Adviser.Advise(ModelSource.Open(name), settings, cancellation), cancellation).ConfigureAwait(false);
            if (parsed.GetValue(write) is { } path) AdviceFile.Write(path, advice);
            if (parsed.GetValue(json)) screen.Json(advice);
            else AdviceView.Show(screen, advice, parsed.GetValue(write));
            return ExitCode.Done;
        });
        return verb;
    }
}
