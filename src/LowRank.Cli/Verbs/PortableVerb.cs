using System.CommandLine;
using LowRank.Adapters;
using LowRank.Cli.Options;
using LowRank.Cli.Terminal;
using LowRank.Models.Checkpoints;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank adapters portable</c>: the scaling of an adapter goes into its matrices.</summary>
internal static class PortableVerb
{
    /// <summary>The option of the verbs that write a new adapter.</summary>
    public static Option<bool> Option() => new("--portable") { Description = "Give all modules one rank, by zeros, so that the configuration has no rank_pattern and alpha_pattern, which some programs ignore." };

    public static VerbCommand Create(Screen screen)
    {
        var adapter = new Option<string>("--adapter") { Description = "A LoRA of LowRank or PEFT: a folder or a hub id.", HelpName = "FOLDER", Required = true };
        var output = new Option<string>("--output") { Description = "The folder to create. It must not exist, or be empty.", HelpName = "FOLDER", Required = true };
        var json = new Option<bool>("--json") { Description = "Print the result as one JSON object." };
        var verb = new VerbCommand("portable", "Write an adapter for programs that scale every module by alpha / r: alpha is r, without rsLoRA and patterns. It computes the same.",
            "lowrank adapters portable --adapter out --output for-the-server") { adapter, output, json };
        verb.SetAction(async (parsed, cancellation) =>
        {
            var target = parsed.GetRequiredValue(output);
            var report = await Task.Run(() => PortableAdapter.Write(ModelLoader.LocateAdapter(parsed.GetRequiredValue(adapter), new ModelLoadOptions { Progress = screen.Progress }, cancellation), target), cancellation).ConfigureAwait(false);
            if (parsed.GetValue(json))
                screen.Json(new Dictionary<string, object?> { ["output"] = target, ["modules"] = report.Modules, ["rank"] = report.Rank, ["scaled"] = report.Scaled, ["padded"] = report.Padded });
            else
                screen.Fields([("modules", $"{report.Modules}, rank and alpha {report.Rank}"), ("scaling put into B", $"{report.Scaled} modules"), ("filled up with zeros", $"{report.Padded} modules"), ("written", target)]);
            return ExitCode.Done;
        });
        return verb;
    }
}
