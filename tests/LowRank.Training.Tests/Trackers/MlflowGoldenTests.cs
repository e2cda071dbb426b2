using System.Text.Json.Nodes;
using LowRank.Testing;
using LowRank.Training.Trackers;
using LowRank.Training.Trackers.Mlflow;

namespace LowRank.Training.Tests.Trackers;

/// <summary>Requests to and answers of a real MLflow 3.17.2 server, as its own client had them.</summary>
[Trait("Category", "Golden")]
public sealed class MlflowGoldenTests
{
    private const string File = "mlflow-rest";

    public static IEnumerable<TheoryDataRow<string>> Exchanges() => Golden.Cases("trackers/mlflow", "trackers", File + ".json");

    private static List<JsonNode> Read() => [.. JsonNode.Parse(System.IO.File.ReadAllText(Golden.At("trackers", File + ".json")))!["exchanges"]!.AsArray().Select(n => n!)];

    private static JsonNode Find(string path, int status = 200) => Read().First(e => e["path"]!.ToString().Split('?')[0].EndsWith(path, StringComparison.Ordinal) && e["status"]!.GetValue<int>() == status);

    // Gives the recorded answer to the recorded request; any other request is a test's failure, by its answer.
    private static StandInAnswer Answer(StandInRequest request, IReadOnlyList<JsonNode> allowed)
    {
        foreach (var exchange in allowed)
        {
            var same = exchange["method"]!.ToString() == request.Method && exchange["path"]!.ToString() == request.Path
                && (request.Bytes.Length == 0 ? exchange["request"] is null : JsonNode.DeepEquals(exchange["request"], JsonNode.Parse(request.Text)));
            if (same) return new StandInAnswer(exchange["status"]!.GetValue<int>(), exchange["response"]?.ToJsonString() ?? "");
        }
        return new StandInAnswer(400, new JsonObject { ["error_code"] = "UNEXPECTED", ["message"] = $"{request.Method} {request.Path} {request.Text}" }.ToJsonString());
    }

    [Theory, MemberData(nameof(Exchanges))]
    public async Task Requests_are_those_of_MLflows_client(string name)
    {
        Assert.NotEmpty(name);
        var all = Read();
        using var server = new StandInServer(request => Answer(request, all));
        using var client = new MlflowClient(MlflowServer.Of(server.Address, _ => null));
        Assert.Equal("1", await client.ExperimentAsync("lowrank", CancellationToken.None));

        var create = Find("runs/create")["request"]!.AsObject();
        var id = await client.CreateRunAsync("1", new JsonObject { ["user_id"] = "someone", ["run_name"] = "smollm2-lora", ["start_time"] = 1768468000000, ["tags"] = create["tags"]!.DeepClone() }, CancellationToken.None);
        Assert.Equal(Find("runs/create")["response"]!["run"]!["info"]!["run_id"]!.ToString(), id);

        var metrics = new JsonArray();
        for (var step = 1; step <= 5; step++) metrics.Add((JsonNode)Metric("train/loss", Math.Round(3 - step * 0.1, 1), 1768468001000 + step, step));
        metrics.Add((JsonNode)Metric("eval/loss", double.NaN, 1768468002000, 5));
        var parameters = new JsonArray(Pair("lora.r", "16"), Pair("model", "SmolLM2-135M-Instruct"));
        await client.LogBatchAsync(id, metrics, parameters, new JsonArray(Pair("note", "é 한")), CancellationToken.None);

        await client.UpdateRunAsync(id, new JsonObject { ["status"] = "FINISHED", ["end_time"] = 1768468100000 }, CancellationToken.None);
        Assert.Equal(["experiments/get-by-name", "runs/create", "runs/log-batch", "runs/update"], server.Requests.Select(r => r.Path.Split('?')[0]["/api/2.0/mlflow/".Length..]));
    }

    [Theory, MemberData(nameof(Exchanges))]
    public async Task A_missing_experiment_is_created_and_one_that_another_run_created_is_taken(string name)
    {
        Assert.NotEmpty(name);
        var (created, exists, found) = (Find("experiments/create"), Find("experiments/create", 400), Find("experiments/get-by-name"));
        var missing = new StandInAnswer(404, """{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"Could not find experiment with name 'lowrank'"}""");
        foreach (var answer in (JsonNode[])[created, exists])
        {
            var asked = 0;
            using var server = new StandInServer(r => r.Method == "POST" ? Answer(r, [answer]) : asked++ == 0 ? missing : Answer(r, [found]));
            using var client = new MlflowClient(MlflowServer.Of(server.Address, _ => null));
            Assert.Equal("1", await client.ExperimentAsync("lowrank", CancellationToken.None));
            Assert.Equal(answer == created ? 2 : 3, server.Requests.Count);
        }
    }

    [Theory, MemberData(nameof(Exchanges))]
    public async Task A_refusal_is_told_in_MLflows_words(string name)
    {
        Assert.NotEmpty(name);
        var refusal = Find("runs/log-parameter", 400);
        using var server = new StandInServer(_ => new StandInAnswer(400, refusal["response"]!.ToJsonString()));
        using var client = new MlflowClient(MlflowServer.Of(server.Address, _ => null));
        var error = await Assert.ThrowsAsync<TrackerServerException>(() => client.LogBatchAsync("r", new JsonArray(), new JsonArray(), new JsonArray(), CancellationToken.None));
        Assert.False(error.IsPassing);
        Assert.Contains("Changing param values is not allowed", error.Message, StringComparison.Ordinal);
    }

    private static JsonObject Metric(string key, double value, long time, int step) => new() { ["key"] = key, ["value"] = MlflowClient.Value(value), ["timestamp"] = time, ["step"] = step };

    private static JsonObject Pair(string key, string value) => new() { ["key"] = key, ["value"] = value };
}
