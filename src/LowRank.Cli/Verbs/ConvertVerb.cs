using System.CommandLine;
using LowRank.Cli.Options;
using LowRank.Cli.Terminal;
using LowRank.Models.Checkpoints;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank convert</c>: a GGUF file as a Hugging Face folder.</summary>
internal static class ConvertVerb
{
    public static VerbCommand Create(Screen screen)
    {
        var source = new Argument<string>("MODEL.gguf") { Description = "The GGUF file." };
        var target = new Argument<string>("FOLDER") { Description = "The folder to create. It must not exist, or be empty." };
        var verb = new VerbCommand("convert", "Write a GGUF model as a Hugging Face folder: config.json, bf16 safetensors, tokenizer.json and chat template.",
            "lowrank convert SmolLM2-135M-Instruct.Q4_1.gguf smollm2") { source, target };
        verb.SetAction(async (parsed, cancellation) =>
        {
            var (path, folder) = (parsed.GetRequiredValue(source), parsed.GetRequiredValue(target));
            await ProgressBar.ShowAsync(screen, "converting", tell => GgufConverter.Convert(path, folder, tell, cancellation)).ConfigureAwait(false);
            screen.Out.WriteLine($"written to {folder}");
            return ExitCode.Done;
        });
        return verb;
    }
}
