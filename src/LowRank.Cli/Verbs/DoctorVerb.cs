using System.CommandLine;
using LowRank.Cli.Options;
using LowRank.Cli.Terminal;
using LowRank.Runtime.Diagnosis;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank doctor</c>: what this machine offers, what is wrong, and how to mend it.</summary>
internal static class DoctorVerb
{
    public static VerbCommand Create(Screen screen)
    {
        var quick = new Option<bool>("--quick") { Description = "Leave out the speeds of matrix products, which take some seconds to measure." };
        var json = new Option<bool>("--json") { Description = "Print the findings as JSON." };
        var verb = new VerbCommand("doctor", "Examine runtime, processor, memory and speed of this machine.", "lowrank doctor") { quick, json };
        verb.SetAction(async (parsed, cancellation) =>
        {
            var report = await Task.Run(() => DoctorReport.Examine(measureSpeed: !parsed.GetValue(quick)), cancellation).ConfigureAwait(false);
            if (parsed.GetValue(json)) screen.Json(report);
            else Print(screen, report);
            return report.Healthy ? ExitCode.Done : ExitCode.Failed;
        });
        return verb;
    }

    private static void Print(Screen screen, DoctorReport report)
    {
        screen.Fields([.. report.Checks.Select(c => (c.Name, c.Status == DoctorStatus.Ok ? c.Value : $"{Mark(c.Status)} {c.Value}{(c.Fix is null ? "" : $"\n→ {c.Fix}")}"))]);
        screen.Out.WriteLine();
        screen.Out.WriteLine(report.Healthy ? "LowRank can train and generate on this machine." : "LowRank cannot train on this machine until what is marked FAIL is mended.");
    }

    private static string Mark(DoctorStatus status) => status == DoctorStatus.Fail ? "FAIL" : "warning:";
}
