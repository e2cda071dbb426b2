using System.CommandLine;
using LowRank.Cli.Options;
using LowRank.Cli.Quickstarts;
using LowRank.Cli.Terminal;
using LowRank.Training.Quickstart;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank quickstart</c>: the whole path in about a minute. What happens in it is <see cref="QuickstartRun"/>'s.</summary>
internal static class QuickstartVerb
{
    public static VerbCommand Create(Screen screen)
    {
        var defaults = new QuickstartOptions();
        var model = new Option<string>("--model") { Description = "A folder, a .gguf file or a hub id instead of the tiny model; it learns the intents of CLINC150.", HelpName = "MODEL" };
        var output = new Option<string>("--output") { Description = "Folder of the run and its adapter; it must not exist, or be empty.", HelpName = "FOLDER", DefaultValueFactory = _ => defaults.Output };
        var steps = new Option<int?>("--max-steps") { Description = "Optimizer steps.", HelpName = "STEPS" };
        var heldOut = new Option<int?>("--held-out") { Description = "Held-out rows that are asked before and after.", HelpName = "ROWS" };
        var threads = new Option<int?>("--threads") { Description = "Threads of the tensor library.", HelpName = "THREADS" };
        var json = new Option<bool>("--json") { Description = "Print the result as JSON." };
        foreach (var count in (Option<int?>[])[steps, heldOut, threads])
            count.Validators.Add(result => { if (result.GetValue(count) < 1) result.AddError($"{count.Name} must be at least 1."); });
        var verb = new VerbCommand("quickstart", "Train a LoRA of a tiny model and see what it changes, offline, in about a minute.",
            "lowrank quickstart", "lowrank quickstart --model SmolLM2-135M-Instruct.Q4_1.gguf --output intents") { model, output, steps, heldOut, threads, json };
        verb.SetAction(async (parsed, cancellation) =>
        {
            var run = QuickstartRun.Create(new QuickstartOptions
            {
                Model = parsed.GetValue(model),
                Output = parsed.GetValue(output) ?? defaults.Output,
                MaxSteps = parsed.GetValue(steps),
                HeldOut = parsed.GetValue(heldOut),
                Threads = parsed.GetValue(threads),
            }, screen.Progress);
            var result = await new QuickstartView(screen, parsed.GetValue(json)).ShowAsync(run.RunAsync(cancellation)).ConfigureAwait(false);
            return result.IsReloadedEqual ? ExitCode.Done : ExitCode.Failed;
        });
        return verb;
    }
}
