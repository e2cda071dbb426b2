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

    // 128 and the signal's number.
    private const int Killed = 128 + 9;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <inheritdoc/>
    public async Task RunAsync(string request, Action<PartProgress> tell, CancellationToken cancellation)
    {
        using var process = Process.Start(Command(request)) ?? throw new LowRankException("A process for a part of the comparison could not be started.");
        var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await ReadAsync(process.StandardOutput, tell, cancellation).ConfigureAwait(false);
            await process.WaitForExitAsync(cancellation).ConfigureAwait(false);
        }
        catch
        {
            await EndAsync(process).ConfigureAwait(false);
            throw;
        }
        if (process.ExitCode == ExitCode.Done) return;
        throw new LowRankException(WhatWasWrong(await error.ConfigureAwait(false), process.ExitCode));
    }

    // In good order where it can, since it may be writing a file; else not.
    private static async Task EndAsync(Process process)
    {
        process.StandardInput.Close();
        using var limit = new CancellationTokenSource(Patience);
        try
        {
            await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
        }
    }

    // A message may have several lines: all from the last "error: " on.
    private static string WhatWasWrong(string error, int code)
    {
        const string Beginning = "error: ";
        var lines = error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var last = Array.FindLastIndex(lines, l => l.StartsWith(Beginning, StringComparison.Ordinal));
        if (last >= 0) return string.Join('\n', lines[last..]).TrimEnd()[Beginning.Length..];
        return code == Killed ? "its process was killed, as happens when memory runs out" : $"its process ended with code {code}: {lines.LastOrDefault()?.Trim()}";
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

    private static async Task ReadAsync(StreamReader lines, Action<PartProgress> tell, CancellationToken cancellation)
    {
        while (await lines.ReadLineAsync(cancellation).ConfigureAwait(false) is { } line)
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
