using System.Text.Json.Nodes;

namespace LowRank.Testing;

/// <summary>Answers as an MLflow server does to what a run sends, keeps what it was told, and hangs or breaks on demand.</summary>
public sealed class StandInMlflow : IDisposable
{
    private readonly StandInServer server;
    private readonly Lock gate = new();
    private bool hasExperiment;

    public StandInMlflow() => server = new StandInServer(Answer);

    public string Address => server.Address;

    public IReadOnlyList<StandInRequest> Requests => [.. server.Requests];

    /// <summary>Gives no answer.</summary>
    public bool Hangs { get; set; }

    /// <summary>Answers 500.</summary>
    public bool IsBroken { get; set; }

    /// <summary>Runs that were created, as they were asked for.</summary>
    public List<JsonObject> Runs { get; } = [];

    /// <summary>Metrics as "key@step=value", in order.</summary>
    public List<string> Metrics { get; } = [];

    public Dictionary<string, string> Parameters { get; } = new(StringComparer.Ordinal);

    /// <summary>The states that the run was set to, in order.</summary>
    public List<string> States { get; } = [];

    public void Dispose() => server.Dispose();

    private StandInAnswer? Answer(StandInRequest request)
    {
        lock (gate)
        {
            if (Hangs) return null;
            if (IsBroken) return new StandInAnswer(500, """{"error_code":"INTERNAL_ERROR","message":"broken"}""");
            var body = request.Bytes.Length == 0 ? null : JsonNode.Parse(request.Text)!.AsObject();
            switch (request.Path.Split('?')[0]["/api/2.0/mlflow/".Length..])
            {
                case "experiments/get-by-name" when !hasExperiment: return new StandInAnswer(404, """{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"Could not find experiment"}""");
                case "experiments/get-by-name": return new StandInAnswer(200, """{"experiment":{"experiment_id":"1","name":"lowrank","lifecycle_stage":"active"}}""");
                case "experiments/create":
                    hasExperiment = true;
                    return new StandInAnswer(200, """{"experiment_id":"1"}""");
                case "runs/create":
                    Runs.Add(body!);
                    return new StandInAnswer(200, new JsonObject { ["run"] = new JsonObject { ["info"] = new JsonObject { ["run_id"] = $"run{Runs.Count}" } } }.ToJsonString());
                case "runs/log-batch":
                    if (body!["metrics"]!.AsArray().Count + body["params"]!.AsArray().Count > 1000 || body["params"]!.AsArray().Count > 100) return new StandInAnswer(400, """{"error_code":"INVALID_PARAMETER_VALUE","message":"too many"}""");
                    Metrics.AddRange(body["metrics"]!.AsArray().Select(m => $"{m!["key"]}@{m["step"]}={m["value"]}"));
                    foreach (var p in body["params"]!.AsArray()) Parameters[p!["key"]!.ToString()] = p["value"]!.ToString();
                    return new StandInAnswer(200);
                case "runs/update":
                    States.Add(body!["status"]!.ToString());
                    return new StandInAnswer(200, """{"run_info":{}}""");
                default: return new StandInAnswer(404, """{"error_code":"ENDPOINT_NOT_FOUND"}""");
            }
        }
    }
}
