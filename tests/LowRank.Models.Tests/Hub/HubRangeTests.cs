using System.Globalization;
using System.Security.Cryptography;
using LowRank.Models.Hub;
using LowRank.Testing;

namespace LowRank.Models.Tests.Hub;

/// <summary>Large files by several ranges at once.</summary>
public sealed class HubRangeTests : IDisposable
{
    private const int RangeBytes = 10_000;
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-").FullName;
    private readonly StandInHub hub = new();
    private readonly byte[] weights = new byte[295_000]; // the last range is a half one

    public HubRangeTests()
    {
        new Random(3).NextBytes(weights);
        hub.Add("config.json", "{}");
        hub.Add("model.safetensors", weights);
    }

    public void Dispose()
    {
        hub.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private HubOptions Options => new() { CacheFolder = folder, Endpoint = new Uri(hub.Address), RetryDelay = TimeSpan.FromMilliseconds(1), Retries = 3, RangeBytes = RangeBytes, Connections = 4 };

    private string Blobs => Path.Combine(folder, "models--org--tiny", "blobs");

    private string Blob => Path.Combine(Blobs, Convert.ToHexStringLower(SHA256.HashData(weights)));

    private IEnumerable<string> Ranges => hub.Requests.Where(r => r.StartsWith("GET storage/", StringComparison.Ordinal)).Select(r => r["GET storage/model.safetensors ".Length..]);

    private async Task DownloadWhole()
    {
        var snapshot = await new HubClient(Options).DownloadAsync(new HubId("org/tiny", "main"));
        Assert.Equal(weights, File.ReadAllBytes(Path.Combine(snapshot, "model.safetensors")));
        Assert.Equal(2, Directory.GetFiles(Blobs).Length); // nothing of the way there is left
    }

    private async Task DownloadPart(int bytes)
    {
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new HubClient(Options).DownloadAsync(new HubId("org/tiny", "main"), p =>
        {
            if (p.File == "model.safetensors" && p.FileBytes >= bytes) stop.Cancel();
        }, stop.Token));
    }

    [Fact]
    public async Task Ranges_come_at_the_same_time_and_each_once()
    {
        hub.Delay = TimeSpan.FromMilliseconds(10);
        await DownloadWhole();
        Assert.Equal(Enumerable.Range(0, 30).Select(Range).Order(StringComparer.Ordinal), Ranges.Order(StringComparer.Ordinal));
        Assert.InRange(hub.MostAtOnce, 2, 4);
    }

    [Fact]
    public async Task Broken_connections_are_continued_where_they_broke()
    {
        hub.CutAfter = 3_000;
        await DownloadWhole();
        Assert.Contains("bytes=3000-9999", Ranges);
    }

    [Fact]
    public async Task A_stopped_download_keeps_what_arrived()
    {
        await DownloadPart(100_000);
        Assert.Equal(weights.Length, new FileInfo(Blob + ".ranges").Length);
        Assert.False(File.Exists(Blob + ".incomplete")); // Python would take one of full size for whole
        hub.Requests.Clear();
        await DownloadWhole();
        var asked = Ranges.Sum(r => r["bytes=".Length..].Split('-') is [var from, var to] ? (to.Length == 0 ? weights.Length : int.Parse(to, CultureInfo.InvariantCulture) + 1) - int.Parse(from, CultureInfo.InvariantCulture) : 0);
        Assert.InRange(asked, 1, 195_000);
    }

    [Theory]
    [InlineData("")]
    [InlineData("295000 10000\n1 2 3\n")]
    [InlineData("295001 10000\n0\n")]
    [InlineData("295000 100000\n0 0 100001\n")]
    [InlineData("295000 0\n0\n")]
    [InlineData("295000 -5\nx\n")]
    public async Task A_record_that_cannot_be_true_begins_anew(string state)
    {
        await DownloadPart(50_000);
        File.WriteAllText(Blob + ".ranges.state", state);
        hub.Requests.Clear();
        await DownloadWhole();
        Assert.Equal(30, Ranges.Count());
    }

    [Fact]
    public async Task A_beginning_that_Python_left_is_taken_over()
    {
        Directory.CreateDirectory(Blobs);
        File.WriteAllBytes(Blob + ".incomplete", weights[..25_000]);
        await DownloadWhole();
        Assert.DoesNotContain(Range(0), Ranges);
        Assert.DoesNotContain(Range(1), Ranges);
        Assert.Contains("bytes=25000-29999", Ranges);
    }

    [Fact]
    public async Task A_server_without_ranges_sends_the_whole()
    {
        hub.NoRanges = true;
        await DownloadWhole();
    }

    [Fact]
    public async Task Damage_is_found_and_not_kept()
    {
        hub.Damage = true;
        Assert.Contains("arrived damaged", (await Assert.ThrowsAsync<HubException>(DownloadWhole)).Message, StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(Blobs));
        hub.Damage = false;
        await DownloadWhole();
    }

    [Fact]
    public async Task A_file_of_another_size_than_described_is_refused()
    {
        await DownloadPart(50_000);
        // The storage host has another file now, the hub's description is the old one.
        hub.Add("model.safetensors", weights);
        using var other = new StandInHub();
        var (file, transport) = (new HubFile("model.safetensors", "e", 295_000, new Uri($"{other.Storage}/model.safetensors?signature=0")), new Models.Hub.Transfer.HubTransport(Options, new HubId("org/tiny", "main")));
        other.Add("model.safetensors", weights[..^1]);
        using (transport)
        {
            var receiver = new Models.Hub.Transfer.HubReceiver(Options, new HubId("org/tiny", "main"), transport);
            foreach (var (from, to) in ((int, int)[])[(0, 295_000), (0, 5), (7, 295_000)])
                Assert.Contains("has 294999 bytes where it is stored, and 295000 by its description",
                    (await Assert.ThrowsAsync<HubException>(() => receiver.ReceiveAsync(file, from, to, _ => throw new InvalidOperationException("nothing is to be written"), default))).Message, StringComparison.Ordinal);
        }
    }

    // The last range has no end, as the request of one connection has none.
    private static string Range(int i) => i == 29 ? "bytes=290000-" : string.Create(CultureInfo.InvariantCulture, $"bytes={i * RangeBytes}-{(i + 1) * RangeBytes - 1}");
}
