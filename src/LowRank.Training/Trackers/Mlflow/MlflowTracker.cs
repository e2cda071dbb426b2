using System.Diagnostics;
using System.Text.Json.Nodes;
using LowRank.Training.Events;

namespace LowRank.Training.Trackers.Mlflow;

/// <summary>
/// A run on an MLflow server. What is to be sent goes to the spool in the run's folder first, and from there to the server every few seconds, beside the thread that takes events. A server
/// that hangs, refuses or is gone delays nothing: the spool keeps what it misses, and <c>lowrank runs sync</c> sends it later.
/// </summary>
internal sealed class MlflowTracker : ITracker
{
    // The longest text that every version of MLflow takes as a parameter.
    private const int LongestParameter = 500;

    private static readonly TimeSpan FirstBackoff = TimeSpan.FromSeconds(30), LongestBackoff = TimeSpan.FromMinutes(5), LastAttempt = TimeSpan.FromSeconds(2);
    private readonly RunDescription run;
    private readonly Action<string> warn;
    private readonly MlflowSpool spool;
    private readonly MlflowClient client;
    private readonly MlflowSender sender;
    private readonly StreamWriter lines;
    private readonly CancellationTokenSource stop = new();
    private readonly List<KeyValuePair<string, double>> scalars = [];
    private readonly MlflowState before;
    private readonly bool isKnown;
    private Task sending = Task.CompletedTask;
    private TimeSpan backoff;
    private bool isRefused;
    private long due;

    /// <summary>Opens the spool; the server is not asked yet.</summary>
    /// <param name="run">The run.</param>
    /// <param name="server">The server.</param>
    /// <param name="warn">Tells a person that the server has a problem.</param>
    public MlflowTracker(RunDescription run, MlflowServer server, Action<string> warn)
    {
        (this.run, this.warn) = (run, warn);
        spool = new MlflowSpool(run.Folder);
        Directory.CreateDirectory(spool.Folder);
        client = new MlflowClient(server);
        sender = new MlflowSender(spool, client);
        var state = spool.State ?? new MlflowState { Server = server.Base.ToString() };
        spool.Mend();
        // A resumed run gives the same numbers for the steps behind its checkpoint: those that were told are not told twice.
        before = spool.Read(state.Sent).Aggregate(state, (at, line) => MlflowSender.Progress(at, line.Line));
        isKnown = state.RunId is not null || spool.Read(state.Sent).Any(l => l.Line.ContainsKey(MlflowSpool.Create));
        spool.Keep(state);
        lines = new StreamWriter(new FileStream(spool.LinesPath, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 1 << 16)) { NewLine = "\n" };
        due = Stopwatch.GetTimestamp();
    }

    /// <summary>How long numbers wait for others to go with them.</summary>
    internal TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public void Write(in TrackedEvent tracked)
    {
        if (tracked.Event is RunStarted start) Begin(start);
        if (tracked.Event is StepCompleted && tracked.Event.Step <= before.LastStep || tracked.Event is EvaluationCompleted && tracked.Event.Step <= before.LastEvaluation) return;
        scalars.Clear();
        RunScalars.AppendTo(scalars, tracked.Event);
        if (scalars.Count == 0) return;
        var metrics = new JsonArray();
        foreach (var (name, value) in scalars)
            metrics.Add((JsonNode)new JsonObject { ["key"] = name, ["value"] = MlflowClient.Value(value), ["timestamp"] = tracked.Time.ToUnixTimeMilliseconds(), ["step"] = tracked.Event.Step });
        Append(MlflowSpool.Metrics, metrics);
    }

    /// <inheritdoc/>
    public void Flush()
    {
        lines.Flush();
        if (isRefused || !sending.IsCompleted || Stopwatch.GetTimestamp() < due) return;
        sending = Task.Run(() => SendAsync(stop.Token));
    }

    /// <inheritdoc/>
    public void End(RunEnd? end, DateTimeOffset time, CancellationToken limit)
    {
        var status = end switch { null => "FAILED", RunEnd.Cancelled => "KILLED", _ => "FINISHED" };
        Append(MlflowSpool.Update, new JsonObject { ["status"] = status, ["end_time"] = time.ToUnixTimeMilliseconds() });
        lines.Dispose();
        // A server that has failed already is asked once more, not waited for.
        if (backoff > TimeSpan.Zero) stop.CancelAfter(LastAttempt);
        using var stopping = limit.Register(stop.Cancel);
        sending.Wait(CancellationToken.None);
        if (!isRefused && !stop.IsCancellationRequested) SendAsync(stop.Token).Wait(CancellationToken.None);
        if (!spool.RemoveIfSent()) warn(Kept("it has not taken everything"));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lines.Dispose();
        stop.Cancel();
        // It ends at once, and what it does uses the client.
        sending.Wait(TimeSpan.FromSeconds(1));
        client.Dispose();
    }

    private void Begin(RunStarted start)
    {
        if (isKnown)
        {
            Append(MlflowSpool.Update, new JsonObject { ["status"] = "RUNNING" });
            return;
        }
        var tags = new JsonArray(Pair("mlflow.user", Environment.UserName), Pair("mlflow.source.name", "lowrank"), Pair("mlflow.source.type", "LOCAL"), Pair("lowrank.run", run.Id));
        if (run.Commit is { } commit) tags.Add((JsonNode)Pair("mlflow.source.git.commit", commit.Hash));
        foreach (var tag in run.Tags) tags.Add((JsonNode)(tag.Split('=', 2) is [var name, var value] ? Pair(name, value) : Pair(tag, "true")));
        Append(MlflowSpool.Create, new JsonObject
        {
            ["experiment"] = run.Project, ["user_id"] = Environment.UserName, ["run_name"] = run.Name, ["start_time"] = run.Started.ToUnixTimeMilliseconds(), ["tags"] = tags,
        });
        foreach (var chunk in run.ConfigWith(start).Chunk(MlflowSender.MostParameters))
            Append(MlflowSpool.Parameters, new JsonArray([.. chunk.Select(c => (JsonNode)Pair(c.Key, Shorten(c.Value?.ToString() ?? "")))]));
    }

    // Runs beside the thread that takes events; never throws.
    private async Task SendAsync(CancellationToken cancellation)
    {
        try
        {
            await sender.SendAsync(cancellation).ConfigureAwait(false);
            backoff = TimeSpan.Zero;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return;
        }
        catch (Exception error) when (error is LowRankException or IOException)
        {
            isRefused = error is not TrackerServerException { IsPassing: true };
            backoff = backoff == TimeSpan.Zero ? FirstBackoff : TimeSpan.FromTicks(Math.Min(2 * backoff.Ticks, LongestBackoff.Ticks));
            warn(Kept(error.Message.TrimEnd('.')));
        }
        due = Stopwatch.GetTimestamp() + (long)(Math.Max(backoff.TotalSeconds, Interval.TotalSeconds) * Stopwatch.Frequency);
    }

    private string Kept(string problem) => $"{problem}. The run goes on; what the server lacks is kept in {spool.Folder}, and lowrank runs sync {run.Folder} sends it.";

    private void Append(string kind, JsonNode content) => lines.WriteLine(new JsonObject { [kind] = content }.ToJsonString());

    private static JsonObject Pair(string key, string value) => new() { ["key"] = key, ["value"] = value };

    private static string Shorten(string text) => text.Length <= LongestParameter ? text : text[..(LongestParameter - 1)] + "…";
}
