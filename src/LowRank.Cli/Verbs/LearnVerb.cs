using System.CommandLine;
using LowRank.Cli.Lecture;
using LowRank.Cli.Options;
using LowRank.Cli.Terminal;
using LowRank.Training.Lecture;
using LowRank.Training.Lecture.Content;
using LowRank.Training.Lecture.Laboratory;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank learn</c>: the lecture on LoRA and QLoRA, each claim computed. What happens in it is <see cref="LectureCourse"/>'s.</summary>
internal static class LearnVerb
{
    public static VerbCommand Create(Screen screen)
    {
        var chapter = new Argument<string?>("chapter") { Description = "A chapter, or a claim such as P1; without one, the chapters are listed.", HelpName = "CHAPTER", Arity = ArgumentArity.ZeroOrOne };
        var language = new Option<LectureLanguage>("--lang") { Description = "The language: en or ko. [default: en]", HelpName = "LANGUAGE" };
        var check = new Option<bool>("--check") { Description = "Compute every claim and print a line for each: reproduced, refined, not reproduced or open." };
        var model = new Option<string?>("--model") { Description = "A folder, a .gguf file or a hub id instead of the tiny model; it learns the intents of CLINC150, which takes far longer.", HelpName = "MODEL" };
        var output = new Option<string?>("--output") { Description = "Folder for pictures; it is made where it does not exist.", HelpName = "FOLDER" };
        var steps = new Option<int?>("--max-steps") { Description = "Optimizer steps of a run. [default: 90, or 12 with --model]", HelpName = "STEPS" }.AtLeast(4);
        var threads = new Option<int?>("--threads") { Description = "Threads of the tensor library. [default: 1, or all processors with --model]", HelpName = "THREADS" }.AtLeast(1);
        var json = new Option<bool>("--json") { Description = "Print the findings as JSON: id, chapter, verdict, figures, and without --check the texts." };
        var verb = new VerbCommand("learn", "Compute what the lecture on LoRA and QLoRA says: its claim, what LowRank finds, why they differ, and the command to try.",
            "lowrank learn", "lowrank learn principle --lang ko --output pictures", "lowrank learn --check --json") { chapter, language, check, model, output, steps, threads, json };
        verb.SetAction(async (parsed, cancellation) =>
        {
            var content = LectureContent.Load();
            var chosen = parsed.GetValue(chapter) is { } name ? content.Select(name) : null;
            var view = new LectureView(screen, content, parsed.GetValue(language));
            var (isCheck, isJson) = (parsed.GetValue(check), parsed.GetValue(json));
            if (chosen is null && !isCheck)
            {
                view.Chapters(isJson);
                return ExitCode.Done;
            }
            var options = new LaboratoryOptions { Model = parsed.GetValue(model), Steps = parsed.GetValue(steps), Threads = parsed.GetValue(threads) };
            var course = new LectureCourse(new LectureLaboratory(options, screen.Progress, cancellation));
            await view.ShowAsync(course, chosen ?? content.Claims, isCheck, isJson, parsed.GetValue(output), cancellation).ConfigureAwait(false);
            return ExitCode.Done;
        });
        return verb;
    }
}
