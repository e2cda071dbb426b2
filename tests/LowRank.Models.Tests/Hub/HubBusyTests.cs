using System.Diagnostics;
using LowRank.Models.Hub;
using LowRank.Testing;

namespace LowRank.Models.Tests.Hub;

/// <summary>A hub that is asked too often, and one whose links run out.</summary>
public sealed class HubBusyTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-").FullName;
    private readonly StandInHub hub = new();
    private readonly byte[] weights = new byte[300_000];

    public HubBusyTests()
    {
        new Random(3).NextBytes(weights);
        hub.Add("config.json", "{}");
        hub.Add("model.safetensors", weights);
        hub.BusyStatus = 429;
    }

    public void Dispose()
    {
        hub.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private HubOptions Options => new() { CacheFolder = folder, Endpoint = new Uri(hub.Address), RetryDelay = TimeSpan.FromMilliseconds(1), Retries = 2 };

    private Task<string> Download(HubOptions? options = null) => new HubClient(options ?? Options).DownloadAsync(new HubId("org/tiny", "main"));

    [Theory]
    [InlineData("Retry-After", "1")]
    [InlineData("RateLimit", "\"api\";r=0;t=1")]
    public async Task The_wait_that_the_hub_asks_for_is_kept(string header, string value)
    {
        (hub.Busy, hub.BusyHeader) = (1, (header, value));
        var watch = Stopwatch.StartNew();
        await Download();
        Assert.InRange(watch.Elapsed.TotalSeconds, 0.95, 60); // timers may be a few ms early
    }

    [Fact]
    public async Task A_date_to_wait_for_is_understood()
    {
        // HTTP dates have whole seconds: a moment in the past is no wait.
        (hub.Busy, hub.BusyHeader) = (1, ("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT"));
        Assert.True(Directory.Exists(await Download()));
    }

    [Fact]
    public async Task A_wait_that_is_too_long_is_told_at_once()
    {
        (hub.Busy, hub.BusyHeader) = (100, ("Retry-After", "3600"));
        var message = (await Assert.ThrowsAsync<HubException>(() => Download())).Message;
        Assert.Contains("asked too often. Wait 3600 seconds and run again", message, StringComparison.Ordinal);
        Assert.Contains("HF_TOKEN", message, StringComparison.Ordinal);
        Assert.Single(hub.Requests);
    }

    [Fact]
    public async Task Without_a_wait_it_is_tried_as_often_as_set()
    {
        hub.Busy = 100;
        Assert.Contains("a few minutes", (await Assert.ThrowsAsync<HubException>(() => Download())).Message, StringComparison.Ordinal);
        Assert.Equal(3, hub.Requests.Count);
    }

    [Fact]
    public async Task A_link_that_has_run_out_is_renewed()
    {
        hub.LinksRunOutAfter = 3;
        hub.Token = "secret";
        var snapshot = await Download(Options with { RangeBytes = 20_000, Connections = 2, Token = "secret" });
        Assert.Equal(weights, File.ReadAllBytes(Path.Combine(snapshot, "model.safetensors")));
        Assert.True(hub.Requests.Count(r => r.StartsWith("HEAD /", StringComparison.Ordinal) && r.EndsWith("model.safetensors", StringComparison.Ordinal)) > 3);
        Assert.Empty(hub.StorageTokens);
    }
}
