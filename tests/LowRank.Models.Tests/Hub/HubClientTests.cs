using System.Net;
using System.Text;
using LowRank.Models.Hub;

namespace LowRank.Models.Tests.Hub;

public sealed class HubClientTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-").FullName;
    private readonly StandInHub hub = new();
    private readonly byte[] weights = new byte[300_000];

    public HubClientTests()
    {
        new Random(3).NextBytes(weights);
        hub.Add("config.json", """{"model_type":"llama"}""");
        hub.Add("tokenizer.json", "{}");
        hub.Add("README.md", "no");
        hub.Add("model.safetensors", weights);
    }

    public void Dispose()
    {
        hub.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private HubOptions Options => new() { CacheFolder = folder, Endpoint = new Uri(hub.Address), RetryDelay = TimeSpan.FromMilliseconds(1), Retries = 3 };

    private static HubId Id(string text = "org/tiny") => HubId.TryParse(text, out var id) ? id : throw new ArgumentException(text);

    private Task<string> Download(HubOptions? options = null, string id = "org/tiny", Action<HubProgress>? progress = null) => new HubClient(options ?? Options).DownloadAsync(Id(id), progress);

    [Fact]
    public async Task Lays_files_out_as_huggingface_hub_does()
    {
        var seen = new List<HubProgress>();
        var snapshot = await Download(progress: seen.Add);
        Assert.Equal(Path.Combine(folder, "models--org--tiny", "snapshots", StandInHub.Commit), snapshot);
        Assert.Equal(["config.json", "model.safetensors", "tokenizer.json"], Directory.GetFiles(snapshot).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(StandInHub.Commit, File.ReadAllText(Path.Combine(folder, "models--org--tiny", "refs", "main")));
        Assert.Equal(weights, File.ReadAllBytes(Path.Combine(snapshot, "model.safetensors")));
        Assert.StartsWith(Path.Combine("..", "..", "blobs"), new FileInfo(Path.Combine(snapshot, "config.json")).LinkTarget, StringComparison.Ordinal);
        Assert.Equal(3, Directory.GetFiles(Path.Combine(folder, "models--org--tiny", "blobs")).Length);
        Assert.Equal(seen[^1].Total, seen[^1].Bytes);
        Assert.Equal(("model.safetensors", 300_000), (seen[^1].File, seen[^1].FileTotal));

        hub.Requests.Clear();
        Assert.Equal(snapshot, await Download());
        Assert.Single(hub.Requests); // only the commit is asked for
        hub.Requests.Clear();
        Assert.Equal(snapshot, await Download(Options with { Offline = true }));
        Assert.Equal(snapshot, await Download(id: "org/tiny@" + StandInHub.Commit));
        Assert.Empty(hub.Requests);
    }

    [Fact]
    public async Task A_broken_connection_is_continued()
    {
        hub.CutAfter = 120_000;
        var snapshot = await Download();
        Assert.Equal(weights, File.ReadAllBytes(Path.Combine(snapshot, "model.safetensors")));
        Assert.Contains(hub.Requests, r => r.StartsWith("GET storage/model.safetensors bytes=", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_stopped_download_is_continued_by_the_next_run()
    {
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new HubClient(Options).DownloadAsync(Id(), p =>
        {
            if (p.File == "model.safetensors" && p.FileBytes >= 100_000) stop.Cancel();
        }, stop.Token));
        var partial = new FileInfo(Assert.Single(Directory.GetFiles(Path.Combine(folder, "models--org--tiny", "blobs"), "*.incomplete"))).Length;
        Assert.InRange(partial, 100_000, 299_999);
        hub.Requests.Clear();
        Assert.Equal(weights, File.ReadAllBytes(Path.Combine(await Download(), "model.safetensors")));
        Assert.Contains($"GET storage/model.safetensors bytes={partial}-", hub.Requests);
    }

    [Fact]
    public async Task A_server_without_ranges_sends_all_again()
    {
        hub.NoRanges = true;
        var blobs = Directory.CreateDirectory(Path.Combine(folder, "models--org--tiny", "blobs")).FullName;
        File.WriteAllBytes(Path.Combine(blobs, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(weights)) + ".incomplete"), new byte[1000]);
        Assert.Equal(weights, File.ReadAllBytes(Path.Combine(await Download(), "model.safetensors")));
    }

    [Fact]
    public async Task Damage_is_found_and_not_kept()
    {
        hub.Damage = true;
        Assert.Contains("arrived damaged", (await Assert.ThrowsAsync<HubException>(() => Download())).Message, StringComparison.Ordinal);
        hub.Damage = false;
        Assert.Equal(weights, File.ReadAllBytes(Path.Combine(await Download(), "model.safetensors")));
    }

    [Fact]
    public async Task The_token_goes_to_the_hub_alone()
    {
        hub.Token = "secret";
        var error = await Assert.ThrowsAsync<HubException>(() => Download());
        Assert.Equal(HttpStatusCode.Unauthorized, error.Status);
        Assert.Contains("HF_TOKEN", error.Message, StringComparison.Ordinal);
        Assert.Contains("not valid", (await Assert.ThrowsAsync<HubException>(() => Download(Options with { Token = "wrong" }))).Message, StringComparison.Ordinal);
        await Download(Options with { Token = "secret" });
        Assert.Empty(hub.StorageTokens);
    }

    [Theory]
    [InlineData("GatedRepo", "Accept its terms")]
    [InlineData("RevisionNotFound", "no revision 'main'")]
    public async Task Refusals_say_what_to_do(string code, string reason)
    {
        hub.ErrorCode = code;
        Assert.Contains(reason, (await Assert.ThrowsAsync<HubException>(() => Download())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_model_is_not_found()
    {
        var error = await Assert.ThrowsAsync<HubException>(() => Download(id: "org/other"));
        Assert.Equal(HttpStatusCode.NotFound, error.Status);
        Assert.Contains("org/other: there is no such model", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_busy_server_is_asked_again()
    {
        hub.Busy = 2;
        await Download();
        hub.Busy = 100;
        Assert.Contains("503", (await Assert.ThrowsAsync<HubException>(() => Download())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_network_the_cached_model_is_taken_or_a_folder_recommended()
    {
        var gone = Options with { Endpoint = new Uri("http://127.0.0.1:9"), Retries = 1 };
        Assert.Contains("name its folder", (await Assert.ThrowsAsync<HubException>(() => Download(gone))).Message, StringComparison.Ordinal);
        Assert.Contains("HF_HUB_OFFLINE", (await Assert.ThrowsAsync<HubException>(() => Download(Options with { Offline = true }))).Message, StringComparison.Ordinal);
        var snapshot = await Download();
        Assert.Equal(snapshot, await Download(gone));
    }

    [Fact]
    public async Task Shards_come_by_their_index()
    {
        using var sharded = new StandInHub();
        sharded.Add("config.json", "{}");
        sharded.Add("model.safetensors.index.json", """{"weight_map":{"a":"s1.safetensors","b":"s2.safetensors"}}""");
        sharded.Add("s1.safetensors", [1, 2, 3]);
        sharded.Add("pytorch_model.bin", [0]);
        var options = Options with { Endpoint = new Uri(sharded.Address) };
        Assert.Contains("s2.safetensors, which the repository does not have", (await Assert.ThrowsAsync<HubException>(() => Download(options))).Message, StringComparison.Ordinal);
        sharded.Add("s2.safetensors", [4, 5]);
        Assert.Equal(4, Directory.GetFiles(await Download(options)).Length);
    }

    [Theory]
    [InlineData("config.json|pytorch_model.bin", "runs code")]
    [InlineData("config.json|model.Q4_K_M.gguf", "model.Q4_K_M.gguf")]
    [InlineData("README.md", "no config.json")]
    public async Task Repositories_without_safetensors_are_refused(string names, string reason)
    {
        using var other = new StandInHub();
        foreach (var name in names.Split('|')) other.Add(name, "{}");
        Assert.Contains(reason, (await Assert.ThrowsAsync<HubException>(() => Download(Options with { Endpoint = new Uri(other.Address) }))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("org/name", "org/name", "main")]
    [InlineData("org/na.me-1@v1.0", "org/na.me-1", "v1.0")]
    [InlineData("org/name@refs/pr/3", "org/name", "refs/pr/3")]
    public void Ids_are_read(string text, string repository, string revision) => Assert.Equal(new HubId(repository, revision), Id(text));

    [Theory]
    [InlineData("name"), InlineData("/tmp/x"), InlineData("./a/b"), InlineData("a/b/c"), InlineData("../a"), InlineData("a/..b@..")]
    [InlineData("org/name@a/../../b"), InlineData("org/na me"), InlineData("model.gguf"), InlineData("")]
    public void Other_text_is_no_id(string text) => Assert.False(HubId.TryParse(text, out _));

    [Fact]
    public void Settings_are_those_of_huggingface_hub()
    {
        var set = new Dictionary<string, string> { ["HOME"] = "/home/u" };
        Assert.Equal(Path.Combine("/home/u", ".cache", "huggingface", "hub"), HubOptions.From(set.GetValueOrDefault).CacheFolder);
        File.WriteAllText(Path.Combine(folder, "token"), "from-file\n", Encoding.UTF8);
        set["HF_HOME"] = folder;
        var options = HubOptions.From(set.GetValueOrDefault);
        Assert.Equal((Path.Combine(folder, "hub"), "from-file", false), (options.CacheFolder, options.Token, options.Offline));
        set["HF_TOKEN"] = " t ";
        set["HF_HUB_OFFLINE"] = "yes";
        set["HF_HUB_CACHE"] = "/c";
        set["HF_ENDPOINT"] = "http://127.0.0.1:1/";
        options = HubOptions.From(set.GetValueOrDefault);
        Assert.Equal(("/c", "t", true, new Uri("http://127.0.0.1:1")), (options.CacheFolder, options.Token, options.Offline, options.Endpoint));
        set["HF_ENDPOINT"] = "ftp://x";
        Assert.Contains("HF_ENDPOINT", Assert.Throws<LowRankException>(() => HubOptions.From(set.GetValueOrDefault)).Message, StringComparison.Ordinal);
    }
}
