using System.CommandLine;
using System.CommandLine.Invocation;
using System.Globalization;
using LowRank.Cli.Terminal;

namespace LowRank.Cli;

/// <summary>One call of the program: parses the command line, runs a verb, and turns whatever happens into lines and an exit code.</summary>
internal static class App
{
    /// <summary>Runs the program.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="commands">The verbs.</param>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(string[] arguments, CommandTree commands)
    {
        // Numbers and messages are the same on every machine: logs are read by programs too.
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.DefaultThreadCurrentUICulture = CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = CultureInfo.InvariantCulture;
        var screen = commands.Screen;
        using var interruption = new Interruption(screen);
        // A prompt may begin with @, which would otherwise name a file of arguments.
        var parsed = commands.Root.Parse(arguments, new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction) return UsageErrors.Tell(parsed, screen);
        // Programs that this one starts go offline with it.
        if (parsed.GetValue(commands.Offline)) Environment.SetEnvironmentVariable("HF_HUB_OFFLINE", "1");
        try
        {
            var invocation = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null, Output = screen.Out, Error = screen.Error };
            return await parsed.InvokeAsync(invocation, interruption.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
        {
            screen.Error.WriteLine("interrupted");
            return ExitCode.Interrupted;
        }
        catch (Exception error)
        {
            return Failures.Tell(error, parsed.GetValue(commands.Verbose), screen);
        }
        finally
        {
            screen.Flush();
        }
    }
}
