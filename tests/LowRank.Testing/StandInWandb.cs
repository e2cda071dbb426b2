using System.Text.Json.Nodes;

namespace LowRank.Testing;

/// <summary>Answers as a server of Weights and Biases does to the upload of a run.</summary>
public sealed class StandInWandb : IDisposable
{
    private readonly StandInServer server;
    private int streams;

    public StandInWandb() => server = new StandInServer(Answer);

    public string Address => server.Address;

    /// <summary>All requests, in order.</summary>
    public IReadOnlyList<StandInRequest> Requests => [.. server.Requests];

    /// <summary>The key that is asked for.</summary>
    public string Key { get; init; } = "local-key";

    /// <summary>Answers 500 to streams behind so many.</summary>
    public int BreaksAfterStreams { get; set; } = int.MaxValue;

    /// <summary>The history that the server holds, line by line.</summary>
    public List<string> History { get; } = [];

    public void Dispose() => server.Dispose();

    private StandInAnswer Answer(StandInRequest request)
    {
        if (request.Method == "PUT") return new StandInAnswer(200);
        if (request.Authorization != "Basic " + Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes("api:" + Key))) return new StandInAnswer(401, """{"errors":[{"message":"who is there?"}]}""");
        var json = JsonNode.Parse(request.Text)!;
        if (request.Path.EndsWith("/file_stream", StringComparison.Ordinal)) return Stream(json);
        var variables = json["variables"]!;
        if (json["operationName"]!.GetValue<string>() == "UpsertBucket")
            return new StandInAnswer(200, new JsonObject
            {
                ["data"] = new JsonObject
                {
                    ["upsertBucket"] = new JsonObject
                    {
                        ["bucket"] = new JsonObject
                        {
                            ["id"] = "bucket", ["name"] = variables["name"]!.DeepClone(), ["displayName"] = variables["displayName"]?.DeepClone(),
                            ["project"] = new JsonObject { ["name"] = variables["project"]!.DeepClone(), ["entity"] = new JsonObject { ["name"] = variables["entity"]?.DeepClone() ?? "somebody" } },
                        },
                        ["inserted"] = true,
                    },
                },
            }.ToJsonString());
        return new StandInAnswer(200, new JsonObject
        {
            ["data"] = new JsonObject
            {
                ["createRunFiles"] = new JsonObject
                {
                    ["runID"] = "run", ["uploadHeaders"] = new JsonArray("X-Upload: yes"),
                    ["files"] = new JsonArray([.. variables["files"]!.AsArray().Select(f => (JsonNode)new JsonObject { ["name"] = f!.DeepClone(), ["uploadUrl"] = $"{Address}/upload/{f}" })]),
                },
            },
        }.ToJsonString());
    }

    private StandInAnswer Stream(JsonNode json)
    {
        if (++streams > BreaksAfterStreams) return new StandInAnswer(500, "broken");
        if (json["files"]?["wandb-history.jsonl"] is not { } history) return new StandInAnswer(200);
        // What comes at a place replaces what was there.
        var offset = history["offset"]!.GetValue<int>();
        if (offset > History.Count) return new StandInAnswer(400, "a gap");
        History.RemoveRange(offset, History.Count - offset);
        History.AddRange(history["content"]!.AsArray().Select(l => l!.GetValue<string>()));
        return new StandInAnswer(200);
    }
}
