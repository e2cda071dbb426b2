using System.CommandLine;
using LowRank.Cli.Options;
using LowRank.Cli.Prompts;
using LowRank.Cli.Terminal;
using LowRank.Models;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank generate</c>: the answer to a prompt, or to every prompt of a file.</summary>
internal static class GenerateVerb
{
    public static VerbCommand Create(Screen screen)
    {
        var prompt = new Option<string>("--prompt") { Description = "The prompt.", HelpName = "TEXT" };
        var file = new Option<string>("--file") { Description = "A file of prompts: one on each line, or .jsonl with a field prompt, and a field adapter where lines are answered by different ones. '-' reads lines from the input.", HelpName = "FILE" };
        var system = new Option<string>("--system") { Description = "A system message before the prompt.", HelpName = "TEXT" };
        var raw = new Option<bool>("--raw") { Description = "Continue the prompt as plain text, without the model's chat template." };
        var batch = new Option<int>("--batch") { Description = "Prompts of a file that are answered at once. [default: 16]", HelpName = "COUNT", DefaultValueFactory = _ => 16 }.AtLeast(1);
        var json = new Option<bool>("--json") { Description = "Print a line of JSON for each prompt: prompt, text, tokens, finish, and adapter where lines have their own." };
        var verb = new VerbCommand("generate", "Answer a prompt, or every prompt of a file.",
            "lowrank generate --model SmolLM2-135M-Instruct.Q4_1.gguf --prompt \"What is the capital of Norway?\"", "lowrank generate --adapter out --file prompts.txt --json", "lowrank generate --model smollm2 --file prompts-with-adapters.jsonl --batch 8");
        verb.AddGroup("prompt", [prompt, file, system, raw, batch]);
        var models = new ModelOptions();
        models.AddTo(verb);
        var sampling = new SamplingOptions();
        sampling.AddTo(verb);
        verb.Add(json);
        verb.SetAction(async (parsed, cancellation) =>
        {
            var (one, many) = (parsed.GetValue(prompt), parsed.GetValue(file));
            if (one is null == many is null) throw new UsageException("Give a prompt with --prompt TEXT, or a file of prompts with --file FILE.");
            var prompts = many is null ? [new Prompt(one!, models.Adapter(parsed))] : PromptFile.Read(many, screen.In, models.Adapter(parsed));
            var form = new PromptForm(parsed.GetValue(raw), parsed.GetValue(system));
            form.Check();
            using var model = await models.LoadAsync(parsed, screen, [.. prompts.Select(p => p.Adapter)], cancellation).ConfigureAwait(false);
            var view = new AnswersView(screen, model, form, sampling.Read(parsed));
            if (many is null && !parsed.GetValue(json)) await view.StreamAsync(one!, cancellation).ConfigureAwait(false);
            else await view.AllAsync(prompts, parsed.GetValue(batch), parsed.GetValue(json), cancellation).ConfigureAwait(false);
            return ExitCode.Done;
        });
        return verb;
    }
}
