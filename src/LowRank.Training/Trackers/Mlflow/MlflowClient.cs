using System.Net;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace LowRank.Training.Trackers.Mlflow;

/// <summary>The part of MLflow's REST interface (version 2.0) that a run needs. Requests are those of MLflow's own client.</summary>
internal sealed class MlflowClient : IDisposable
{
    private const string Root = "api/2.0/mlflow/";
    private static readonly JsonSerializerOptions Form = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, TypeInfoResolver = new DefaultJsonTypeInfoResolver() };
    private readonly TrackerHttp http;
    private readonly Uri server;

    /// <summary>Speaks to a server.</summary>
    /// <param name="server">The server.</param>
    /// <param name="timeout">How long one request may take; null for ten seconds.</param>
    public MlflowClient(MlflowServer server, TimeSpan? timeout = null)
    {
        this.server = server.Base;
        http = new TrackerHttp(server.Base, server.Authorization, timeout ?? TimeSpan.FromSeconds(10));
    }

    /// <summary>The id of an experiment, which is created where it is missing.</summary>
    public async Task<string> ExperimentAsync(string name, CancellationToken cancellation)
    {
        if (await FindExperimentAsync(name, cancellation).ConfigureAwait(false) is { } found) return found;
        try
        {
            var created = await PostAsync("experiments/create", new JsonObject { ["name"] = name }, cancellation).ConfigureAwait(false);
            return Text(created["experiment_id"], "experiments/create");
        }
        catch (TrackerServerException error) when (CodeOf(error) == "RESOURCE_ALREADY_EXISTS")
        {
            // Another run was quicker.
            if (await FindExperimentAsync(name, cancellation).ConfigureAwait(false) is { } theirs) return theirs;
            throw;
        }
    }

    /// <summary>Creates a run.</summary>
    /// <param name="experiment">The experiment's id.</param>
    /// <param name="run">user_id, run_name, start_time, tags.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>The run's id.</returns>
    public async Task<string> CreateRunAsync(string experiment, JsonObject run, CancellationToken cancellation)
    {
        var body = (JsonObject)run.DeepClone();
        body["experiment_id"] = experiment;
        var created = await PostAsync("runs/create", body, cancellation).ConfigureAwait(false);
        return Text(created["run"]?["info"]?["run_id"], "runs/create");
    }

    /// <summary>Logs metrics, parameters and tags together: at most 1000 in all, of which 100 parameters and 100 tags.</summary>
    public Task LogBatchAsync(string run, JsonArray metrics, JsonArray parameters, JsonArray tags, CancellationToken cancellation) =>
        PostAsync("runs/log-batch", new JsonObject { ["run_id"] = run, ["metrics"] = metrics, ["params"] = parameters, ["tags"] = tags }, cancellation);

    /// <summary>Changes the state of a run.</summary>
    /// <param name="run">The run's id.</param>
    /// <param name="change">status, and end_time in milliseconds since 1970 where it has ended.</param>
    /// <param name="cancellation">Stops it.</param>
    public Task UpdateRunAsync(string run, JsonObject change, CancellationToken cancellation)
    {
        var body = (JsonObject)change.DeepClone();
        // The older of the two names is what MLflow's client still sends beside the newer.
        body["run_uuid"] = run;
        body["run_id"] = run;
        return PostAsync("runs/update", body, cancellation);
    }

    /// <summary>A metric's value as JSON: MLflow takes NaN and infinities as texts.</summary>
    public static JsonNode Value(double value) => double.IsFinite(value) ? JsonValue.Create(value)
        : JsonValue.Create(double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();

    private async Task<string?> FindExperimentAsync(string name, CancellationToken cancellation)
    {
        try
        {
            var answer = Parse(await http.SendAsync(HttpMethod.Get, $"{Root}experiments/get-by-name?experiment_name={Uri.EscapeDataString(name)}", null, cancellation).ConfigureAwait(false), "experiments/get-by-name");
            if (answer["experiment"]?["lifecycle_stage"]?.GetValue<string>() == "deleted")
                throw new LowRankException($"The experiment {name} of {server} has been deleted. Restore it there, or take another --project");
            return Text(answer["experiment"]?["experiment_id"], "experiments/get-by-name");
        }
        catch (TrackerServerException error) when (error.Status == HttpStatusCode.NotFound && CodeOf(error) == "RESOURCE_DOES_NOT_EXIST")
        {
            return null;
        }
    }

    private async Task<JsonObject> PostAsync(string path, JsonObject body, CancellationToken cancellation) =>
        Parse(await http.SendAsync(HttpMethod.Post, Root + path, body.ToJsonString(Form), cancellation).ConfigureAwait(false), path);

    private JsonObject Parse(string answer, string path)
    {
        try
        {
            return JsonNode.Parse(answer) as JsonObject ?? throw Odd(path);
        }
        catch (JsonException error)
        {
            throw new LowRankException($"{server} answered {path} with something that is not JSON: is it an MLflow server?", error);
        }
    }

    private string Text(JsonNode? node, string path) => node?.GetValue<string>() ?? throw Odd(path);

    private LowRankException Odd(string path) => new($"{server} did not answer {path} as MLflow does: is it an MLflow server?");

    private static string? CodeOf(TrackerServerException error)
    {
        try
        {
            return error.Body is null ? null : JsonNode.Parse(error.Body)?["error_code"]?.GetValue<string>();
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
