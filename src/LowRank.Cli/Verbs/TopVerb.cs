using System.CommandLine;
using LowRank.Cli.Monitoring;
using LowRank.Cli.Options;
using LowRank.Cli.Terminal;
using LowRank.Training.Monitoring;
using LowRank.Training.Monitoring.Jobs;
using LowRank.Training.Monitoring.Nvml;
using Spectre.Console;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank top</c>: the training runs that go on, and the GPUs.</summary>
internal static class TopVerb
{
    public static VerbCommand Create(Screen screen)
    {
        var once = new Option<bool>("--once") { Description = "Print once. Into a file or a pipe it always does." };
        var interval = new Option<int>("--interval") { Description = "Seconds between two looks. [default: 2]", HelpName = "SECONDS", DefaultValueFactory = _ => 2 }.AtLeast(1);
        var json = new Option<bool>("--json") { Description = "Print once, as JSON: jobs, memory and gpus, in bytes and seconds." };
        var verb = new VerbCommand("top", "Show running training jobs and GPUs: step, loss, speed, memory, time left. Ctrl-C ends it.", "lowrank top", "lowrank top --once --json") { once, interval, json };
        verb.SetAction(async (parsed, cancellation) =>
        {
            using var gpus = NvmlDevices.TryOpen(out var noGpus);
            var (registry, processors) = (JobRegistry.OfUser(), new ProcessorUse(TimeProvider.System));
            TopSnapshot Look() => TopSnapshot.Take(registry, processors, gpus, noGpus, TimeProvider.System);
            if (parsed.GetValue(json)) screen.Json(Look());
            else if (parsed.GetValue(once) || !screen.IsLive)
                foreach (var line in TopText.Lines(Look(), screen.Columns)) screen.Out.WriteLine(line);
            else await ShowAsync(screen, Look, TimeSpan.FromSeconds(parsed.GetValue(interval)), cancellation).ConfigureAwait(false);
            return ExitCode.Done;
        });
        return verb;
    }

    private static async Task ShowAsync(Screen screen, Func<TopSnapshot> look, TimeSpan interval, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        // Ctrl-C is how one leaves; there is nothing to be stopped in good order.
        if (Interruption.Current is { } interruption)
            interruption.Intercept = () =>
            {
                stop.Cancel();
                return true;
            };
        try
        {
            await screen.Console.Live(Picture(screen, look())).StartAsync(async live =>
            {
                while (true)
                {
                    await Task.Delay(interval, stop.Token).ConfigureAwait(false);
                    live.UpdateTarget(Picture(screen, look()));
                }
            }).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
        finally
        {
            if (Interruption.Current is { } current) current.Intercept = null;
        }
    }

    private static Text Picture(Screen screen, TopSnapshot snapshot) => new(string.Join('\n', TopText.Lines(snapshot, screen.Columns)));
}
