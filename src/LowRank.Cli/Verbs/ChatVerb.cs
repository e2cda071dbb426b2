using System.CommandLine;
using LowRank.Cli.Options;
using LowRank.Cli.Prompts;
using LowRank.Cli.Terminal;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank chat</c>: a conversation with a model.</summary>
internal static class ChatVerb
{
    public static VerbCommand Create(Screen screen)
    {
        var system = new Option<string>("--system") { Description = "A system message before the conversation.", HelpName = "TEXT" };
        var verb = new VerbCommand("chat", "Talk with a model. /clear begins anew, /exit ends; Ctrl-C stops an answer. Lines can be piped in too.",
            "lowrank chat --model SmolLM2-135M-Instruct.Q4_1.gguf --adapter out", "echo \"Hello\" | lowrank chat --adapter out") { system };
        var models = new ModelOptions();
        models.AddTo(verb);
        var sampling = new SamplingOptions();
        sampling.AddTo(verb);
        verb.SetAction(async (parsed, cancellation) =>
        {
            using var model = await models.LoadAsync(parsed, screen, cancellation).ConfigureAwait(false);
            await new Conversation(screen, model, sampling.Read(parsed), parsed.GetValue(system)).RunAsync(cancellation).ConfigureAwait(false);
            return ExitCode.Done;
        });
        return verb;
    }
}
