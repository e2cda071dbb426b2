using LowRank.Cli.Terminal;
using LowRank.Models;
using LowRank.Models.Generation;

namespace LowRank.Cli.Prompts;

/// <summary>A chat at the terminal, or over a pipe: a line of input is a turn, its answer is printed as it comes.</summary>
internal sealed class Conversation(Screen screen, LanguageModel model, GenerationOptions options, string? system)
{
    /// <summary>Talks until the input ends or <c>/exit</c> is said.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var session = new ChatSession(model, options, system);
        try
        {
            if (screen.IsInputTyped) screen.Error.WriteLine("/clear begins anew, /exit ends, Ctrl-C stops an answer.");
            while (await ReadAsync(cancellation).ConfigureAwait(false) is { } line)
            {
                switch (line.Trim())
                {
                    case "": continue;
                    case "/exit" or "/quit": return;
                    case "/clear":
                        session.Dispose();
                        session = new ChatSession(model, options, system);
                        continue;
                    default:
                        await AnswerAsync(session, line, cancellation).ConfigureAwait(false);
                        break;
                }
            }
        }
        finally
        {
            session.Dispose();
        }
    }

    // Reading cannot be cancelled: the thread that waits for a line ends with the process.
    private async Task<string?> ReadAsync(CancellationToken cancellation)
    {
        if (screen.IsInputTyped)
        {
            screen.Error.Write("> ");
            screen.Error.Flush();
        }
        return await Task.Run(screen.In.ReadLine, CancellationToken.None).WaitAsync(cancellation).ConfigureAwait(false);
    }

    private async Task AnswerAsync(ChatSession session, string text, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        // Typed: Ctrl-C ends the answer and not the program; over a pipe it ends the program.
        if (screen.IsInputTyped && Interruption.Current is { } taken) taken.Intercept = () => StopOnce(stop);
        try
        {
            await foreach (var piece in session.SendAsync(text, stop.Token).ConfigureAwait(false))
            {
                screen.Out.Write(screen.IsLive ? Printable.Of(piece) : piece);
                screen.Out.Flush();
            }
            screen.Out.WriteLine();
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            screen.Out.WriteLine(" …");
        }
        catch (LowRankException error) when (screen.IsInputTyped)
        {
            screen.Error.WriteLine($"error: {error.Message}");
        }
        finally
        {
            if (Interruption.Current is { } given) given.Intercept = null;
        }
    }

    // A second Ctrl-C before the answer has ended is the program's again.
    private static bool StopOnce(CancellationTokenSource stop)
    {
        if (stop.IsCancellationRequested) return false;
        stop.Cancel();
        return true;
    }
}
