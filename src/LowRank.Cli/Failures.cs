using System.Reflection;
using LowRank.Cli.Terminal;
using LowRank.Training.Guards;
using LowRank.Training.Settings;

namespace LowRank.Cli;

/// <summary>Turns an exception into lines on the error stream and an exit code.</summary>
internal static class Failures
{
    /// <summary>Tells what went wrong.</summary>
    /// <param name="error">The exception.</param>
    /// <param name="verbose">Whether to show its stack.</param>
    /// <param name="screen">Where.</param>
    public static int Tell(Exception error, bool verbose, Screen screen)
    {
        while (error is AggregateException { InnerExceptions.Count: 1 } or TargetInvocationException or TypeInitializationException && error.InnerException is { } inner) error = inner;
        if (error is LowRankException fault)
        {
            screen.Error.WriteLine($"error: {(fault.GuardId is { } id ? $"[{id}] " : "")}{Printable.Of(error.Message)}");
            string[] guards = [.. (fault is GuardException many ? many.Ids : [fault.GuardId ?? ""]).Where(GuardIds.CanBeSilenced)];
            if (guards.Length > 0) screen.Error.WriteLine($"If it is meant so: --silence {string.Join(',', guards)}");
            if (verbose) screen.Error.WriteLine(error);
            return error is UsageException or SettingsException ? ExitCode.WrongUsage : ExitCode.Failed;
        }
        // No path of ours leads here: a defect, or a failure of the system such as a lack of memory.
        screen.Error.WriteLine($"error: internal error: {error.GetType().Name}: {Printable.Of(FirstLine(error.Message))}");
        if (verbose) screen.Error.WriteLine(error);
        else screen.Error.WriteLine("Run it again with --verbose to see where, and report it.");
        return ExitCode.Failed;
    }

    private static string FirstLine(string text) => text.AsSpan().IndexOfAny('\r', '\n') is >= 0 and var end ? text[..end] : text;
}
