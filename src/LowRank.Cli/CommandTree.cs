using System.CommandLine;
using System.CommandLine.Help;
using LowRank.Cli.Options;
using LowRank.Cli.Terminal;
using LowRank.Cli.Verbs;

namespace LowRank.Cli;

/// <summary>All verbs of the program.</summary>
internal sealed class CommandTree
{
    /// <summary>Builds the tree over the console of this process.</summary>
    public CommandTree() : this(Screen.OfProcess())
    {
    }

    /// <summary>Builds the tree.</summary>
    public CommandTree(Screen screen)
    {
        Screen = screen;
        Root = new RootCommand("Fine-tune language models with LoRA.") { Verbose, Offline };
        foreach (var verb in Verbs(screen)) Root.Add(verb);
        foreach (var help in Root.Options.OfType<HelpOption>()) help.Action = new HelpText(screen);
        Root.SetAction(parsed =>
        {
            new HelpText(screen).Invoke(parsed);
            return ExitCode.WrongUsage;
        });
    }

    /// <summary>Where everything is printed.</summary>
    public Screen Screen { get; }

    /// <summary>The program.</summary>
    public RootCommand Root { get; }

    /// <summary>Whether failures are shown with their stack.</summary>
    public Option<bool> Verbose { get; } = new("--verbose") { Description = "Show the stack trace of a failure.", Recursive = true };

    /// <summary>Whether only what is in the hub's cache is used.</summary>
    public Option<bool> Offline { get; } = new("--offline") { Description = "Use no network: hub ids are looked for in the cache only (HF_HUB_OFFLINE does the same).", Recursive = true };

    private static IEnumerable<VerbCommand> Verbs(Screen screen) =>
    [
        QuickstartVerb.Create(screen),
        DoctorVerb.Create(screen),
        InspectVerb.Create(screen),
        PlanVerb.Create(screen),
        AdviseVerb.Create(screen),
        TrainVerb.Create(screen),
        ImportConfigVerb.Create(screen),
        TopVerb.Create(screen),
        RunsVerb.Create(screen),
        CompareVerb.Create(screen),
        SweepVerb.Create(screen),
        EvalVerb.Create(screen),
        GenerateVerb.Create(screen),
        MergeVerb.Create(screen),
        AdaptersVerb.Create(screen),
        ChatVerb.Create(screen),
        ConvertVerb.Create(screen),
        ExportVerb.Create(screen),
        BenchVerb.Create(screen),
        LearnVerb.Create(screen),
    ];
}
