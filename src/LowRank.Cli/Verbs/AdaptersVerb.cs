using System.CommandLine;
using LowRank.Cli.Options;
using LowRank.Cli.Terminal;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank adapters</c>: what is done with adapters alone, file to file.</summary>
internal static class AdaptersVerb
{
    public static VerbCommand Create(Screen screen)
    {
        var verb = new VerbCommand("adapters", "Make an adapter from other adapters or from two models, or show its ranks.",
            "lowrank adapters combine --adapter a=maths --adapter b=code --weights 0.7,0.3 --output both", "lowrank adapters extract --base smollm2 --tuned my-model --rank 32 --output extracted")
            { CombineVerb.Create(screen), ExtractVerb.Create(screen), PortableVerb.Create(screen), RanksVerb.Create(screen) };
        verb.SetAction(parsed =>
        {
            new HelpText(screen).Invoke(parsed);
            return ExitCode.WrongUsage;
        });
        return verb;
    }
}
