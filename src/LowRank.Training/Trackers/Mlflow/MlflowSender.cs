using System.Text.Json.Nodes;

namespace LowRank.Training.Trackers.Mlflow;

/// <summary>
/// Brings the lines of a spool to the server, many at once, and notes after each request how far it is. What a broken connection leaves in doubt is sent again: MLflow takes the same
/// value of the same metric, step and time once only.
/// </summary>
internal sealed class MlflowSender(MlflowSpool spool, MlflowClient client)
{
    /// <summary>Most metrics of a request; MLflow allows 1000 items in all, of which 100 may be parameters.</summary>
    internal const int MostMetrics = 900;

    /// <summary>Most parameters of a request.</summary>
    internal const int MostParameters = 100;

    private readonly JsonArray metrics = new();
    private readonly JsonArray parameters = new();

    /// <summary>Sends what has not been sent.</summary>
    /// <returns>How many lines were sent.</returns>
    /// <exception cref="TrackerServerException">The server does not answer, or refuses.</exception>
    public async Task<int> SendAsync(CancellationToken cancellation)
    {
        var state = spool.State ?? throw new LowRankException($"{spool.Folder} does not say to which server it belongs: run.json is missing.");
        var (sent, taken) = (0, state);
        metrics.Clear();
        parameters.Clear();
        foreach (var (line, end) in spool.Read(state.Sent))
        {
            var isBatch = line.ContainsKey(MlflowSpool.Metrics) || line.ContainsKey(MlflowSpool.Parameters);
            if (!isBatch || metrics.Count + Count(line, MlflowSpool.Metrics) > MostMetrics || parameters.Count + Count(line, MlflowSpool.Parameters) > MostParameters) await FlushAsync().ConfigureAwait(false);
            if (isBatch) Take(line);
            else if (line[MlflowSpool.Create] is JsonObject create) taken = taken with { RunId = taken.RunId ?? await CreateAsync(create, cancellation).ConfigureAwait(false) };
            else if (line[MlflowSpool.Update] is JsonObject update) await client.UpdateRunAsync(RunId(), update, cancellation).ConfigureAwait(false);
            taken = taken with { Sent = end };
            sent++;
            if (isBatch) continue;
            spool.Keep(state = taken);
        }
        await FlushAsync().ConfigureAwait(false);
        return sent;

        async Task FlushAsync()
        {
            if (metrics.Count + parameters.Count == 0) return;
            await client.LogBatchAsync(RunId(), (JsonArray)metrics.DeepClone(), (JsonArray)parameters.DeepClone(), new JsonArray(), cancellation).ConfigureAwait(false);
            metrics.Clear();
            parameters.Clear();
            spool.Keep(state = taken);
        }

        void Take(JsonObject line)
        {
            foreach (var item in line[MlflowSpool.Metrics] as JsonArray ?? new JsonArray()) metrics.Add(item!.DeepClone());
            foreach (var item in line[MlflowSpool.Parameters] as JsonArray ?? new JsonArray()) parameters.Add(item!.DeepClone());
            taken = Progress(taken, line);
        }

        string RunId() => taken.RunId ?? throw new LowRankException($"{spool.LinesPath} does not begin with the run that it belongs to.");
    }

    /// <summary>How far steps and evaluations are when a line has been taken.</summary>
    public static MlflowState Progress(MlflowState state, JsonObject line)
    {
        if ((line[MlflowSpool.Metrics] as JsonArray)?.FirstOrDefault() is not { } first) return state;
        var step = first["step"]!.GetValue<long>();
        return first["key"]!.GetValue<string>() switch
        {
            RunScalars.Loss => state with { LastStep = Math.Max(state.LastStep, step) },
            RunScalars.HeldOutLoss => state with { LastEvaluation = Math.Max(state.LastEvaluation, step) },
            _ => state,
        };
    }

    private async Task<string> CreateAsync(JsonObject create, CancellationToken cancellation)
    {
        var run = (JsonObject)create.DeepClone();
        var experiment = run["experiment"]!.GetValue<string>();
        run.Remove("experiment");
        return await client.CreateRunAsync(await client.ExperimentAsync(experiment, cancellation).ConfigureAwait(false), run, cancellation).ConfigureAwait(false);
    }

    private static int Count(JsonObject line, string name) => (line[name] as JsonArray)?.Count ?? 0;
}
