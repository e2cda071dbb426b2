using System.CommandLine;
using LowRank.Cli.Options;
using LowRank.Cli.Plans;
using LowRank.Cli.Terminal;
using LowRank.Training.Planning.Reports;
using LowRank.Training.Planning.Sources;
using LowRank.Training.Settings;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank plan</c>: parameters, memory and time of a run before it starts, from <c>config.json</c> alone.</summary>
internal static class PlanVerb
{
    public static VerbCommand Create(Screen screen)
    {
        var model = new Argument<string?>("MODEL") { Description = "A model folder, a config.json, a .gguf file, a hub id that is in the cache, or a well-known model such as llama-2-7b.", Arity = ArgumentArity.ZeroOrOne };
        var named = new Option<string>("--model") { Description = "The same as MODEL.", HelpName = "MODEL" };
        var explain = new Option<bool>("--explain") { Description = "Show the formulas with the numbers put in, in GiB." };
        var lecture = new Option<bool>("--lecture") { Description = "Print the lecture's own bill for a 7B model beside the exact one." };
        var json = new Option<bool>("--json") { Description = "Print the plan as JSON, in bytes." };
        var verb = new VerbCommand("plan", "Memory, parameters and time of a run before it starts.",
            "lowrank plan llama-2-7b --memory 8GB", "lowrank plan llama-3.1-8b --device t4 --rank 8,16,32,64", "lowrank plan --lecture") { model };
        var options = new SettingsOptions(SettingsSchema<PlanSettings>.All);
        options.AddTo(verb);
        foreach (var option in (Option[])[named, explain, lecture, json]) verb.Add(option);
        verb.SetAction(async (parsed, cancellation) =>
        {
            if (parsed.GetValue(lecture))
            {
                LectureView.Show(screen, LectureBill.Lines(), parsed.GetValue(json));
                return ExitCode.Done;
            }
            var name = parsed.GetValue(named) ?? parsed.GetValue(model) ?? throw new UsageException("Which model? lowrank plan MODEL, such as a folder, a .gguf file or llama-2-7b.");
            var settings = SettingsBinder.Read<PlanSettings>(options.Entries(parsed));
            var plan = await Task.Run(() => Planner.Plan(ModelSource.Open(name), settings, cancellation), cancellation).ConfigureAwait(false);
            if (parsed.GetValue(json)) screen.Json(plan);
            else if (parsed.GetValue(explain)) ExplainView.Show(screen, plan);
            else PlanView.Show(screen, plan);
            return ExitCode.Done;
        });
        return verb;
    }
}
