using System.Runtime.InteropServices;
using LowRank.Cli.Terminal;

namespace LowRank.Cli;

/// <summary>
/// Ctrl-C and SIGTERM. The first asks whatever is going on to end in good order; the second is not held back, and the system ends the process.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource source = new();
    private readonly List<PosixSignalRegistration> registrations = [];
    private readonly Screen screen;
    private int signals;

    public Interruption(Screen screen)
    {
        this.screen = screen;
        Current = this;
        registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle));
        registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle));
    }

    /// <summary>That of the running program; a chat takes over Ctrl-C while it answers.</summary>
    public static Interruption? Current { get; private set; }

    /// <summary>Is cancelled by the first signal.</summary>
    public CancellationToken Token => source.Token;

    /// <summary>Takes a Ctrl-C instead of the program while it is set; returns whether it did.</summary>
    public Func<bool>? Intercept { get; set; }

    private void Handle(PosixSignalContext context)
    {
        if (context.Signal == PosixSignal.SIGINT && Intercept?.Invoke() == true)
        {
            context.Cancel = true;
            return;
        }
        if (Interlocked.Increment(ref signals) > 1)
        {
            screen.RestoreCursor();
            return;
        }
        context.Cancel = true;
        screen.Error.WriteLine("\nstopping in good order; Ctrl-C again ends at once");
        source.Cancel();
    }

    public void Dispose()
    {
        foreach (var registration in registrations) registration.Dispose();
        Current = null;
        source.Dispose();
    }
}
