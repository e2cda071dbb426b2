using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using LowRank.Testing;
using LowRank.Training.Tests;

namespace LowRank.Cli.Tests;

/// <summary>Model, data and adapter named by hub ids, through the real program and a hub on this machine.</summary>
public sealed class HubTests : IDisposable
{
    private const string Tag = "v1.0";
    private readonly TemporaryFolder folder = new();
    private readonly StandInHub hub = new();

    public HubTests()
    {
        hub.Revisions.TryRemove("main", out _);
        hub.Revisions[Tag] = StandInHub.Commit;
        foreach (var file in Directory.GetFiles(TinyModel.Create(folder.At("model")))) hub.Add(Path.GetFileName(file), File.ReadAllBytes(file));
        var rows = File.ReadAllBytes(TinyModel.CreateData(folder.At("rows.jsonl")));
        hub.Add("datasets/org/rows", "data/train-00000-of-00002.jsonl", rows);
        hub.Add("datasets/org/rows", "data/train-00001-of-00002.jsonl", rows);
        hub.Add("datasets/org/rows", "test.jsonl", rows);
        hub.Add("datasets/org/columns", "data/train-00000-of-00001.arrow", [0]);
    }

    public void Dispose()
    {
        hub.Dispose();
        folder.Dispose();
    }

    private Task<ToolResult> Run(params string[] arguments) => Tool.Run(arguments, "", null, ("HF_ENDPOINT", hub.Address), ("HF_HUB_CACHE", folder.At("cache")), ("HF_HUB_OFFLINE", ""), ("HF_TOKEN", ""));

    [Fact]
    public async Task Model_data_and_adapter_come_by_id_and_then_without_network()
    {
        var train = await Run("train", "--model", "org/tiny", "--revision", Tag, "--data", $"org/rows@{Tag}", "--validation", $"org/rows@{Tag}:test", "--target", "q_proj,v_proj", "--rank", "2", "--max-steps", "2", "--threads", "1", "--output", folder.At("out"));
        Assert.True(train.Code == 0, train.Error);
        Assert.Contains("MB/s", train.Error + train.Out, StringComparison.Ordinal);
        using var config = JsonDocument.Parse(File.ReadAllText(folder.At("out/adapter_config.json")));
        Assert.Equal($"org/tiny@{Tag}", config.RootElement.GetProperty("base_model_name_or_path").GetString());

        foreach (var file in (string[])["adapter_config.json", "adapter_model.safetensors", "lowrank.json"]) hub.Add("org/adapter", file, File.ReadAllBytes(folder.At("out/" + file)));
        string[] eval = ["eval", "--adapter", $"org/adapter@{Tag}", "--data", $"org/rows@{Tag}:test.jsonl", "--max-samples", "3", "--json"];
        var online = await Run(eval);
        Assert.True(online.Code == 0, online.Error);
        Assert.Equal(3, JsonDocument.Parse(online.Out).RootElement.GetProperty("rows").GetInt32());

        hub.Requests.Clear();
        var offline = await Run([.. eval, "--offline"]);
        Assert.True(offline.Code == 0, offline.Error);
        Assert.Equal(online.Out, offline.Out);
        var again = await Run("train", "--offline", "--model", $"org/tiny@{Tag}", "--data", $"org/rows@{Tag}:train", "--adapter", $"org/adapter@{Tag}", "--max-steps", "1", "--threads", "1", "--output", folder.At("out2"));
        Assert.True(again.Code == 0, again.Error);
        var unknown = await Run("eval", "--offline", "--model", "org/other", "--data", $"org/rows@{Tag}");
        Assert.Equal(1, unknown.Code);
        Assert.Contains("org/other: no network is used", unknown.Error, StringComparison.Ordinal);
        Assert.Empty(hub.Requests);
    }

    [Theory]
    [InlineData("org/columns@v1.0", "is there as Arrow only")]
    [InlineData("org/rows@v1.0:dev", "no split 'dev'")]
    [InlineData("org/rows", "no branch, tag or commit 'main'")]
    [InlineData("org/missing", "there is no such data set")]
    public async Task What_the_hub_lacks_is_said(string data, string reason)
    {
        var result = await Run("train", "--model", folder.At("model"), "--data", data, "--output", folder.At("out"));
        Assert.Equal(1, result.Code);
        Assert.Contains(reason, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(hub.Requests, r => r.StartsWith("HEAD", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_revision_needs_a_hub_id()
    {
        var result = await Run("eval", "--model", folder.At("model"), "--revision", Tag, "--data", folder.At("rows.jsonl"));
        Assert.Equal(1, result.Code);
        Assert.Contains("--revision v1.0 goes with a hub id", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_proxy_of_the_environment_is_used()
    {
        using var proxy = new TcpListener(IPAddress.Loopback, 0);
        proxy.Start();
        var asked = Task.Run(async () =>
        {
            using var client = await proxy.AcceptTcpClientAsync();
            await using var stream = client.GetStream();
            using var reader = new StreamReader(stream);
            var line = await reader.ReadLineAsync();
            while (await reader.ReadLineAsync() is { Length: > 0 })
            {
            }
            await stream.WriteAsync(Encoding.ASCII.GetBytes("HTTP/1.1 404 Not Found\r\nX-Error-Code: RepoNotFound\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
            return line;
        });
        var address = $"http://127.0.0.1:{((IPEndPoint)proxy.LocalEndpoint).Port}";
        var result = await Tool.Run(["eval", "--model", "org/tiny", "--data", folder.At("rows.jsonl")], "", null,
            ("HF_ENDPOINT", "http://hub.invalid"), ("HF_HUB_CACHE", folder.At("cache")), ("http_proxy", address), ("HF_HUB_OFFLINE", ""), ("no_proxy", ""));
        Assert.Equal(1, result.Code);
        Assert.Contains("there is no such model at http://hub.invalid", result.Error, StringComparison.Ordinal);
        Assert.Equal("GET http://hub.invalid/api/models/org/tiny/revision/main HTTP/1.1", await asked.WaitAsync(TimeSpan.FromSeconds(10)));
    }
}
