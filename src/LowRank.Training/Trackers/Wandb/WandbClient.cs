using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LowRank.Training.Trackers.Wandb;

/// <summary>What is asked of a server of Weights and Biases: GraphQL for runs and files, a stream of lines for history and summary, and the places where files go.</summary>
internal sealed class WandbClient : IDisposable
{
    private const string Upsert = """
        mutation UpsertBucket($id: String, $name: String, $project: String, $entity: String, $groupName: String, $description: String, $displayName: String, $notes: String,
          $commit: String, $config: JSONString, $host: String, $debug: Boolean, $program: String, $repo: String, $jobType: String, $state: String, $sweep: String,
          $tags: [String!], $summaryMetrics: JSONString) {
          upsertBucket(input: { id: $id, name: $name, modelName: $project, entityName: $entity, groupName: $groupName, description: $description, displayName: $displayName,
            notes: $notes, commit: $commit, config: $config, host: $host, debug: $debug, jobProgram: $program, jobRepo: $repo, jobType: $jobType, state: $state, sweep: $sweep,
            tags: $tags, summaryMetrics: $summaryMetrics }) {
            bucket { id name displayName project { name entity { name } } }
            inserted
          }
        }
        """;

    private const string CreateFiles = """
        mutation CreateRunFiles($entity: String!, $project: String!, $run: String!, $files: [String!]!) {
          createRunFiles(input: { entityName: $entity, projectName: $project, runName: $run, files: $files }) {
            runID
            uploadHeaders
            files { name uploadUrl }
          }
        }
        """;

    private readonly TrackerHttp http;
    private readonly Uri server;

    /// <summary>Speaks to a server.</summary>
    public WandbClient(WandbServer server)
    {
        this.server = server.Base;
        http = new TrackerHttp(server.Base, new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"api:{server.Key}"))), TimeSpan.FromSeconds(60));
    }

    /// <summary>How long the first retry waits; each further one waits twice as long.</summary>
    public TimeSpan FirstRetry { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Creates or changes a run. Variables that are left out are null.</summary>
    /// <returns>The run as the server knows it.</returns>
    public async Task<RunOnServer> UpsertAsync(JsonObject variables, CancellationToken cancellation)
    {
        var all = new JsonObject();
        foreach (var name in (string[])["id", "name", "project", "entity", "groupName", "description", "displayName", "notes", "commit", "config", "host", "debug", "program", "repo", "jobType", "state", "sweep", "tags", "summaryMetrics"])
            all[name] = variables[name]?.DeepClone();
        var bucket = (await QueryAsync("UpsertBucket", Upsert, all, cancellation).ConfigureAwait(false))["upsertBucket"]?["bucket"];
        var (name1, project, entity) = (bucket?["name"]?.GetValue<string>(), bucket?["project"]?["name"]?.GetValue<string>(), bucket?["project"]?["entity"]?["name"]?.GetValue<string>());
        return name1 is null || project is null || entity is null ? throw Odd("UpsertBucket") : new RunOnServer(entity, project, name1);
    }

    /// <summary>Asks where files go.</summary>
    /// <returns>The address of each, and headers that every upload needs.</returns>
    public async Task<(IReadOnlyList<(string Name, Uri Url)> Files, IReadOnlyList<string> Headers)> CreateFilesAsync(RunOnServer run, IEnumerable<string> names, CancellationToken cancellation)
    {
        var variables = new JsonObject { ["entity"] = run.Entity, ["project"] = run.Project, ["run"] = run.Name, ["files"] = new JsonArray([.. names.Select(n => (JsonNode)n)]) };
        var created = (await QueryAsync("CreateRunFiles", CreateFiles, variables, cancellation).ConfigureAwait(false))["createRunFiles"];
        if (created?["files"] is not JsonArray files) throw Odd("CreateRunFiles");
        return ([.. files.Select(f => (f?["name"]?.GetValue<string>() ?? "", new Uri(server, f?["uploadUrl"]?.GetValue<string>() ?? throw Odd("CreateRunFiles"))))],
            [.. (created["uploadHeaders"] as JsonArray ?? new JsonArray()).Select(h => h?.GetValue<string>() ?? "")]);
    }

    /// <summary>Uploads a file. The key does not go with it: the address may be another host's, and is proof enough.</summary>
    public Task UploadAsync(Uri url, IReadOnlyList<string> headers, byte[] content, CancellationToken cancellation) => AgainAsync(async () =>
    {
        var request = new HttpRequestMessage(HttpMethod.Put, url) { Content = new ByteArrayContent(content) };
        foreach (var header in headers)
            if (header.Split(':', 2) is [var name, var value] && !request.Headers.TryAddWithoutValidation(name.Trim(), value.Trim())) request.Content.Headers.TryAddWithoutValidation(name.Trim(), value.Trim());
        return await http.SendAsync(request, cancellation).ConfigureAwait(false);
    }, cancellation);

    /// <summary>Sends lines of the run's streamed files.</summary>
    public Task StreamAsync(RunOnServer run, JsonObject body, CancellationToken cancellation)
    {
        var path = $"files/{Uri.EscapeDataString(run.Entity)}/{Uri.EscapeDataString(run.Project)}/{Uri.EscapeDataString(run.Name)}/file_stream";
        var json = body.ToJsonString(WandbJson.Relaxed);
        return AgainAsync(() => http.SendAsync(HttpMethod.Post, path, json, cancellation), cancellation);
    }

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();

    private async Task<JsonNode> QueryAsync(string operation, string query, JsonObject variables, CancellationToken cancellation)
    {
        var json = new JsonObject { ["query"] = query, ["variables"] = variables, ["operationName"] = operation }.ToJsonString(WandbJson.Relaxed);
        var answer = await AgainAsync(() => http.SendAsync(HttpMethod.Post, "graphql", json, cancellation), cancellation).ConfigureAwait(false);
        try
        {
            var node = JsonNode.Parse(answer);
            if (node?["errors"] is JsonArray { Count: > 0 } errors)
                throw new LowRankException($"{server.Host} refused {operation}: {string.Join("; ", errors.Select(e => e?["message"]?.ToString() ?? e?.ToJsonString()))}");
            return node?["data"] ?? throw Odd(operation);
        }
        catch (JsonException error)
        {
            throw new LowRankException($"{server} answered {operation} with something that is not JSON. Is WANDB_BASE_URL right?", error);
        }
    }

    // Four attempts; what the server refuses for good is not tried again.
    private async Task<string> AgainAsync(Func<Task<string>> send, CancellationToken cancellation)
    {
        for (var wait = FirstRetry; ; wait *= 2)
        {
            try
            {
                return await send().ConfigureAwait(false);
            }
            catch (TrackerServerException error) when (error.IsPassing && wait < FirstRetry * 8)
            {
                await Task.Delay(wait, cancellation).ConfigureAwait(false);
            }
            catch (TrackerServerException error) when (error.Status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
            {
                throw new LowRankException($"{server.Host} does not take the key ({(int)error.Status}). Check WANDB_API_KEY or the password in ~/.netrc, and WANDB_BASE_URL.", error);
            }
        }
    }

    private LowRankException Odd(string operation) => new($"{server} did not answer {operation} as Weights & Biases does. Is WANDB_BASE_URL right?");
}
