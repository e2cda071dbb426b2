using System.Diagnostics;
using System.Text.Json;
using LowRank.Training.Comparison.Parts;

namespace LowRank.Cli.Comparisons;

/// <summary>
/// Does each part in a process of its own: the peak of memory is kept by process, and a fresh one owes nothing to the part before it. The base's pages, mapped from the same
/// file, stay in the system's cache between them. The child prints its progress as JSON lines, and ends in good order when its input is closed, which it is too if this
/// process dies.
/// </summary>
internal sealed class ChildProcessRunner : IPartRunner
{
    /// <summary>The option of <c>compare</c> that does one part.</summary>
    public const string Option = "--part";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <inheritdoc/>
    public async Task RunAsync(string request, Action<PartProgress> tell, CancellationToken cancellation)
    {
        using var process = Process.Start(Command(request)) ?? throw new LowRankException("A process for a part of the comparison could not be started.");
        var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        using (cancellation.Register(() => process.StandardInput.Close()))
        {
            var output = ReadAsync(process.StandardOutput, tell);
            try
            {
                await process.WaitForExitAsync(cancellation).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                using var limit = new CancellationTokenSource(Patience);
                try
                {
                    await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
                }
                catch (OperationCanceledException)
                {
                    process.Kill();
                }
                throw;
            }
            await output.ConfigureAwait(false);
        }
        cancellation.ThrowIfCancellationRequested();
        if (process.ExitCode == ExitCode.Done) return;
        var lines = (await error.ConfigureAwait(false)).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var told = lines.LastOrDefault(l => l.StartsWith("error: ", StringComparison.Ordinal));
        throw new LowRankException(told?["error: ".Length..] ?? (process.ExitCode is 137 or 9 ? "its process was killed, as happens when memory runs out" : $"its process ended with code {process.ExitCode}: {lines.LastOrDefault()}"));
    }

    /// <summary>Does a part, as the child.</summary>
    public static async Task<int> ServeAsync(string request, Terminal.Screen screen, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        // The parent holds the other end and writes nothing: what ends the wait is that it lets go.
        _ = Task.Run(() =>
        {
            _ = screen.In.Read();
            stop.Cancel();
        }, CancellationToken.None);
        await new InProcessRunner().RunAsync(request, progress =>
        {
            screen.Out.WriteLine(JsonSerializer.Serialize(progress));
            screen.Out.Flush();
        }, stop.Token).ConfigureAwait(false);
        return ExitCode.Done;
    }

    private static async Task ReadAsync(StreamReader lines, Action<PartProgress> tell)
    {
        while (await lines.ReadLineAsync().ConfigureAwait(false) is { } line)
            if (line.StartsWith('{') && JsonSerializer.Deserialize<PartProgress>(line) is { } progress) tell(progress);
    }

    // Started as "dotnet LowRank.Cli.dll", the program is the host's argument.
    private static ProcessStartInfo Command(string request)
    {
        var program = Environment.ProcessPath ?? throw new LowRankException("The path of this program is not known, so no process can be started for the parts of a comparison.");
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(program).Equals("dotnet", StringComparison.OrdinalIgnoreCase)) start.ArgumentList.Add(typeof(App).Assembly.Location);
        foreach (var argument in (string[])["compare", Option, request]) start.ArgumentList.Add(argument);
        return start;
    }
}
