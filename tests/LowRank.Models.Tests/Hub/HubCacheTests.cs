using System.Diagnostics;
using System.Text;
using LowRank.Models.Hub;
using LowRank.Models.Hub.Contents;
using LowRank.Testing;

namespace LowRank.Models.Tests.Hub;

/// <summary>The cache is that of Python's huggingface_hub, in both directions.</summary>
public sealed class HubCacheTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-").FullName;
    private readonly StandInHub hub = new();

    public HubCacheTests()
    {
        hub.Add("config.json", "{}");
        hub.Add("tokenizer.json", "{}");
        hub.Add("model.safetensors", [1, 2, 3]);
    }

    public void Dispose()
    {
        hub.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private HubOptions Options => new() { CacheFolder = folder, Endpoint = new Uri(hub.Address), RetryDelay = TimeSpan.FromMilliseconds(1), Retries = 1 };

    private static readonly HubId Tiny = new("org/tiny", "main");

    private string Repository => Path.Combine(folder, "models--org--tiny");

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_cache_that_Python_filled_is_used_as_it_is(bool links)
    {
        var snapshot = Directory.CreateDirectory(Path.Combine(Repository, "snapshots", StandInHub.Commit)).FullName;
        var blobs = Directory.CreateDirectory(Path.Combine(Repository, "blobs")).FullName;
        foreach (var name in (string[])["config.json", "tokenizer.json", "model.safetensors"])
        {
            if (links)
            {
                File.WriteAllText(Path.Combine(blobs, "etag-of-" + name), name);
                File.CreateSymbolicLink(Path.Combine(snapshot, name), $"../../blobs/etag-of-{name}");
            }
            else
            {
                File.WriteAllText(Path.Combine(snapshot, name), name);
            }
        }
        Directory.CreateDirectory(Path.Combine(Repository, "refs"));
        File.WriteAllText(Path.Combine(Repository, "refs", "main"), StandInHub.Commit);
        var before = Directory.GetFileSystemEntries(folder, "*", SearchOption.AllDirectories);
        Assert.Equal(snapshot, await new HubClient(Options with { Offline = true }).DownloadAsync(Tiny));
        Assert.Equal(before, Directory.GetFileSystemEntries(folder, "*", SearchOption.AllDirectories));
        // Online the commit is asked for and nothing else.
        Assert.Equal(snapshot, await new HubClient(Options).DownloadAsync(Tiny));
        Assert.Single(hub.Requests);
    }

    [Fact]
    public async Task A_part_of_a_model_is_completed()
    {
        var snapshot = await new HubClient(Options).DownloadAsync(Tiny);
        File.Delete(Path.Combine(snapshot, "tokenizer.json"));
        Assert.Contains("all of it", (await Assert.ThrowsAsync<HubException>(() => new HubClient(Options with { Offline = true }).DownloadAsync(Tiny))).Message, StringComparison.Ordinal);
        await new HubClient(Options).DownloadAsync(Tiny with { Revision = StandInHub.Commit });
        Assert.True(File.Exists(Path.Combine(snapshot, "tokenizer.json")));
        // A link whose blob is gone is no file.
        File.Delete(new FileInfo(Path.Combine(snapshot, "model.safetensors")).ResolveLinkTarget(returnFinalTarget: true)!.FullName);
        await new HubClient(Options).DownloadAsync(Tiny);
        Assert.Equal([1, 2, 3], File.ReadAllBytes(Path.Combine(snapshot, "model.safetensors")));
    }

    [Fact]
    public async Task Files_that_the_repository_lacks_are_told_to_others()
    {
        await new HubClient(Options).DownloadAsync(Tiny);
        var absent = Path.Combine(Repository, ".no_exist", StandInHub.Commit);
        Assert.True(File.Exists(Path.Combine(absent, "generation_config.json")));
        Assert.True(File.Exists(Path.Combine(absent, "model.safetensors.index.json")));
        Assert.False(File.Exists(Path.Combine(absent, "tokenizer.json")));
        Assert.All(Directory.GetFiles(absent), f => Assert.Equal(0, new FileInfo(f).Length));
    }

    [Fact]
    public async Task Without_links_the_files_lie_in_the_snapshot()
    {
        var options = Options with { Symlink = (_, _) => throw new IOException("no links here") };
        var snapshot = await new HubClient(options).DownloadAsync(Tiny);
        Assert.Null(new FileInfo(Path.Combine(snapshot, "model.safetensors")).LinkTarget);
        Assert.Empty(Directory.GetFiles(Path.Combine(Repository, "blobs")));
        hub.Requests.Clear();
        Assert.Equal(snapshot, await new HubClient(options).DownloadAsync(Tiny));
        Assert.Single(hub.Requests);
    }

    [Fact]
    public async Task Data_sets_have_folders_of_their_own_and_files_in_folders()
    {
        using var data = new StandInHub("datasets/org/rows");
        data.Add("data/train-00000-of-00001.jsonl", "{}");
        var id = new HubId("org/rows", "main") { Kind = HubRepositoryKind.Dataset };
        var snapshot = await new HubClient(Options with { Endpoint = new Uri(data.Address) }).BringAsync(id, new DataContent(null), null, default);
        Assert.Equal(Path.Combine(folder, "datasets--org--rows", "snapshots", StandInHub.Commit), snapshot);
        var file = new FileInfo(Path.Combine(snapshot, "data", "train-00000-of-00001.jsonl"));
        Assert.StartsWith(Path.Combine("..", "..", "..", "blobs"), file.LinkTarget, StringComparison.Ordinal);
        Assert.Equal("{}", File.ReadAllText(file.FullName));
        Assert.Equal(["data/train-00000-of-00001.jsonl"], HubCache.NamesIn(snapshot));
    }

    [Fact]
    public async Task Names_that_leave_the_folder_are_refused()
    {
        using var data = new StandInHub("datasets/org/rows");
        data.Add("../../../../outside.jsonl", "{}");
        var id = new HubId("org/rows", "main") { Kind = HubRepositoryKind.Dataset };
        var error = await Assert.ThrowsAsync<HubException>(() => new HubClient(Options with { Endpoint = new Uri(data.Address) }).BringAsync(id, new DataContent("../../../../outside.jsonl"), null, default));
        Assert.Contains("outside its folder", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_waits_while_another_downloads_the_same_file()
    {
        var etag = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData([1, 2, 3]));
        var path = Path.Combine(folder, ".locks", "models--org--tiny", etag + ".lock");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        Task<string> waiting;
        await using (new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None))
        {
            waiting = new HubClient(Options).DownloadAsync(Tiny);
            await Task.Delay(400);
            Assert.False(waiting.IsCompleted);
            // The other one finishes it.
            Directory.CreateDirectory(Path.Combine(Repository, "blobs"));
            File.WriteAllBytes(Path.Combine(Repository, "blobs", etag), [1, 2, 3]);
        }
        Assert.Equal([1, 2, 3], File.ReadAllBytes(Path.Combine(await waiting, "model.safetensors")));
        Assert.DoesNotContain(hub.Requests, r => r.StartsWith("GET storage/", StringComparison.Ordinal));
    }

    /// <summary>filelock, which huggingface_hub uses, calls flock as the program of that name does.</summary>
    [Fact]
    public async Task The_lock_is_that_of_other_programs()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/flock"), "there is no flock program");
        var path = Path.Combine(folder, "x.lock");
        using (await HubLock.TakeAsync(path, default)) Assert.Equal(1, await FlockAsync(path, "true"));
        Assert.Equal(0, await FlockAsync(path, "true"));
        using var held = Process.Start("/usr/bin/flock", [path, "sleep", "1"]);
        while (await FlockAsync(path, "true") == 0) await Task.Delay(10);
        var watch = Stopwatch.StartNew();
        using (await HubLock.TakeAsync(path, default)) Assert.True(held.WaitForExit(10_000));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10));
    }

    private static async Task<int> FlockAsync(string path, string command)
    {
        using var process = Process.Start("/usr/bin/flock", ["-n", path, command]);
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    [Theory]
    [InlineData("train.jsonl test.jsonl README.md", null, "train.jsonl")]
    [InlineData("train.jsonl test.jsonl", "test", "test.jsonl")]
    [InlineData("train.jsonl dev.jsonl", "validation", "dev.jsonl")]
    [InlineData("data/train-00000-of-00002.json data/train-00001-of-00002.json data/test-00000-of-00001.json", null, "data/train-00000-of-00002.json data/train-00001-of-00002.json")]
    [InlineData("data/train-00000-of-00002.jsonl", null, "!of the 2 files of data/train only 1 are there")]
    [InlineData("train/a.jsonl train/b.jsonl test/a.jsonl", null, "train/a.jsonl train/b.jsonl")]
    [InlineData("train.jsonl train.parquet", null, "train.jsonl")]
    [InlineData("data/train-00000-of-00001.parquet", null, "data/train-00000-of-00001.parquet")]
    [InlineData("stuff.parquet", null, "stuff.parquet")]
    [InlineData("stuff.parquet rows.jsonl", null, "rows.jsonl")]
    [InlineData("a/x.parquet b.jsonl", "a/x.parquet", "a/x.parquet")]
    [InlineData("train.csv", null, "train.csv")]
    [InlineData("train.txt README.txt", null, "train.txt")]
    [InlineData("data/train.arrow", null, "!train is there as Arrow only (data/train.arrow), which is not read")]
    [InlineData("stuff.arrow", null, "!it is there as Arrow only")]
    [InlineData("a/x.arrow b.jsonl", "a/x.arrow", "!a/x.arrow is there as Arrow only")]
    [InlineData("main/train.jsonl socratic/train.jsonl", null, "!in several folders. Name one: org/rows:main/train or org/rows:socratic/train")]
    [InlineData("main/train.jsonl socratic/train.jsonl", "main/train", "main/train.jsonl")]
    [InlineData("rows.json dataset_infos.json .hidden.json", null, "rows.json")]
    [InlineData("a.jsonl b.jsonl", null, "!no split 'train' in JSON Lines, JSON, Parquet or CSV. There are: a.jsonl, b.jsonl. Name one: org/rows:FILE.")]
    [InlineData("a.jsonl b.jsonl", "b.jsonl", "b.jsonl")]
    [InlineData("a.jsonl", "c.jsonl", "!has no file c.jsonl. There are: a.jsonl")]
    [InlineData("test.jsonl", null, "!no split 'train'")]
    [InlineData("notes.txt", "notes.txt", "notes.txt")]
    [InlineData("constrained.jsonl train_extra.jsonl", null, "train_extra.jsonl")]
    public void Splits_are_found_by_their_usual_names(string files, string? part, string expected)
    {
        var id = new HubId("org/rows", "main") { Kind = HubRepositoryKind.Dataset };
        var content = new DataContent(part);
        if (expected.StartsWith('!')) Assert.Contains(expected[1..], Assert.Throws<HubException>(() => content.First(id, files.Split(' '))).Message, StringComparison.Ordinal);
        else Assert.Equal(expected, string.Join(' ', content.First(id, files.Split(' '))));
    }

    [Theory]
    [InlineData("org/rows", "org/rows", null)]
    [InlineData("org/rows:test", "org/rows", "test")]
    [InlineData("datasets/org/rows@v1:a/b.jsonl", "org/rows@v1", "a/b.jsonl")]
    [InlineData("org/rows.v2:train.json", "org/rows.v2", "train.json")]
    [InlineData("data/train.jsonl", null, null)]
    [InlineData("rows.jsonl", null, null)]
    [InlineData("org/rows:", null, null)]
    [InlineData("0.1", null, null)]
    public void Data_ids_are_told_from_paths(string text, string? repository, string? part)
    {
        Assert.Equal(repository is not null, HubDataId.TryParse(text, out var id));
        Assert.Equal((repository, part), (id?.Repository.ToString(), id?.Part));
    }
}
