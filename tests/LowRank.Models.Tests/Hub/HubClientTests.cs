using System.Net;
using System.Text;
using LowRank.Models.Hub;
using LowRank.Testing;

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
    [InlineData("GatedRepo", 403, "Accept its terms at")]
    [InlineData("RevisionNotFound", 404, "no branch, tag or commit 'main'")]
    [InlineData("RepoNotFound", 404, "there is no such model at")]
    [InlineData("RepoNotFound", 401, "asks for a token")]
    [InlineData("EntryNotFound", 404, "has no file")]
    [InlineData("Other", 403, "access is refused")]
    public async Task Refusals_say_what_to_do(string code, int status, string reason)
    {
        (hub.ErrorCode, hub.ErrorStatus) = (code, status);
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
        Assert.True(Directory.Exists(await Download())); // the cache has it
        var empty = Options with { CacheFolder = Path.Combine(folder, "empty") };
        Assert.Contains("503", (await Assert.ThrowsAsync<HubException>(() => Download(empty))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_network_the_cached_model_is_taken_or_a_folder_recommended()
    {
        var gone = Options with { Endpoint = new Uri("http://127.0.0.1:9"), Retries = 1 };
        Assert.Contains("HTTPS_PROXY", (await Assert.ThrowsAsync<HubException>(() => Download(gone))).Message, StringComparison.Ordinal);
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
    [InlineData("adapter_config.json|adapter_model.safetensors", "Name it with --adapter")]
    public async Task Repositories_without_safetensors_are_refused(string names, string reason)
    {
        using var other = new StandInHub();
        foreach (var name in names.Split('|')) other.Add(name, "{}");
        Assert.Contains(reason, (await Assert.ThrowsAsync<HubException>(() => Download(Options with { Endpoint = new Uri(other.Address) }))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_adapter_comes_with_its_configuration_weights_and_record()
    {
        using var other = new StandInHub();
        var options = Options with { Endpoint = new Uri(other.Address) };
        var client = new HubClient(options);
        other.Add("README.md", "no");
        Assert.Contains("holds no adapter. There are: README.md", (await Assert.ThrowsAsync<HubException>(() => client.DownloadAdapterAsync(Id()))).Message, StringComparison.Ordinal);
        other.Add("adapter_config.json", "{}");
        other.Add("adapter_model.bin", "x");
        Assert.Contains("not safetensors", (await Assert.ThrowsAsync<HubException>(() => client.DownloadAdapterAsync(Id()))).Message, StringComparison.Ordinal);
        other.Add("adapter_model.safetensors", weights);
        other.Add("lowrank.json", "{}");
        var snapshot = await client.DownloadAdapterAsync(Id());
        Assert.Equal(["adapter_config.json", "adapter_model.safetensors", "lowrank.json"], Directory.GetFiles(snapshot).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(snapshot, await new HubClient(options with { Offline = true, Handler = NoSocket }).DownloadAdapterAsync(Id()));
    }

    [Fact]
    public async Task A_revision_is_a_branch_a_tag_or_a_commit()
    {
        var other = new string('f', 40);
        (hub.Revisions["dev"], hub.Revisions["v1.0"]) = (other, StandInHub.Commit);
        Assert.EndsWith(other, await Download(id: "org/tiny@dev"), StringComparison.Ordinal);
        Assert.EndsWith(StandInHub.Commit, await Download(id: "org/tiny@v1.0"), StringComparison.Ordinal);
        Assert.EndsWith(other, await Download(id: "org/tiny@" + other), StringComparison.Ordinal);
        Assert.Equal(["dev", "v1.0"], Directory.GetFiles(Path.Combine(folder, "models--org--tiny", "refs")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        var error = await Assert.ThrowsAsync<HubException>(() => Download(id: "org/tiny@nowhere"));
        Assert.Equal(HttpStatusCode.NotFound, error.Status);
        Assert.Contains("no branch, tag or commit 'nowhere'", error.Message, StringComparison.Ordinal);
        // What one revision has need not come again for another.
        Assert.Equal(2, hub.Requests.Count(r => r.StartsWith("GET storage/", StringComparison.Ordinal) || r.StartsWith("GET /org/tiny/resolve/", StringComparison.Ordinal) && r.EndsWith("config.json", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Offline_opens_no_socket()
    {
        var offline = Options with { Offline = true, Handler = NoSocket };
        var error = await Assert.ThrowsAsync<HubException>(() => Download(offline));
        Assert.Contains("no network is used (--offline or HF_HUB_OFFLINE)", error.Message, StringComparison.Ordinal);
        var snapshot = await Download();
        Assert.Equal(snapshot, await Download(offline));
        hub.Requests.Clear();
        Assert.Equal(snapshot, await Download(offline, "org/tiny@" + StandInHub.Commit));
        await Assert.ThrowsAsync<HubException>(() => Download(offline, "org/tiny@v2"));
        Assert.Empty(hub.Requests);
    }

    [Fact]
    public async Task Progress_tells_bytes_and_speed()
    {
        hub.Delay = TimeSpan.FromMilliseconds(20);
        var seen = new List<HubProgress>();
        await Download(Options with { RangeBytes = 10_000 }, progress: seen.Add);
        Assert.True(seen.Zip(seen.Skip(1)).All(p => p.First.Bytes <= p.Second.Bytes));
        Assert.Equal((300_000, seen[^1].Total), (seen[^1].FileBytes, seen[^1].Bytes));
        // 30 ranges of at least 20 ms, 8 at a time, are at least 80 ms; the speed leaves the first bytes out.
        Assert.InRange(seen[^1].BytesPerSecond, 1_000, 300_000 / 0.06);
    }

    private static HttpMessageHandler NoSocket() => throw new InvalidOperationException("a connection was about to be made");

    [Theory]
    [InlineData("org/name", "org/name", "main")]
    [InlineData("org/na.me-1@v1.0", "org/na.me-1", "v1.0")]
    [InlineData("org/name@refs/pr/3", "org/name", "refs/pr/3")]
    public void Ids_are_read(string text, string repository, string revision) => Assert.Equal(new HubId(repository, revision), Id(text));

    [Fact]
    public void A_revision_may_be_given_apart()
    {
        Assert.Equal("org/name", HubId.WithRevision("org/name", null));
        Assert.Equal("org/name@v1", HubId.WithRevision("org/name", "v1"));
        Assert.Equal("org/name@v1", HubId.WithRevision("org/name@v1", "v1"));
        Assert.Contains("Leave one of them out", Assert.Throws<LowRankException>(() => HubId.WithRevision("org/name@v1", "v2")).Message, StringComparison.Ordinal);
        Assert.Contains("goes with a hub id", Assert.Throws<LowRankException>(() => HubId.WithRevision(folder, "v2")).Message, StringComparison.Ordinal);
        Assert.Contains("cannot be", Assert.Throws<LowRankException>(() => HubId.WithRevision("org/name", "a/../b")).Message, StringComparison.Ordinal);
    }

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
        set["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "1";
        Assert.Null(HubOptions.From(set.GetValueOrDefault).Token);
        set["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "0";
        set["HF_HUB_OFFLINE"] = "0";
        set["TRANSFORMERS_OFFLINE"] = "1"; // the older name counts where the newer one is not set
        Assert.False(HubOptions.From(set.GetValueOrDefault).Offline);
        set.Remove("HF_HUB_OFFLINE");
        set["HF_HUB_CACHE"] = "~/c";
        options = HubOptions.From(set.GetValueOrDefault);
        Assert.Equal((true, Path.Combine("/home/u", "c")), (options.Offline, options.CacheFolder));
        set.Remove("HF_TOKEN");
        File.WriteAllText(set["HF_TOKEN_PATH"] = Path.Combine(folder, "other"), "from-path");
        set["HF_HUB_DOWNLOAD_TIMEOUT"] = "7";
        options = HubOptions.From(set.GetValueOrDefault);
        Assert.Equal(("from-path", TimeSpan.FromSeconds(7)), (options.Token, options.SilenceTimeout));
        set["HF_HUB_DOWNLOAD_TIMEOUT"] = "soon";
        Assert.Contains("HF_HUB_DOWNLOAD_TIMEOUT", Assert.Throws<LowRankException>(() => HubOptions.From(set.GetValueOrDefault)).Message, StringComparison.Ordinal);
        set.Remove("HF_HUB_DOWNLOAD_TIMEOUT");
        set["HF_ENDPOINT"] = "ftp://x";
        Assert.Contains("HF_ENDPOINT", Assert.Throws<LowRankException>(() => HubOptions.From(set.GetValueOrDefault)).Message, StringComparison.Ordinal);
    }
}
