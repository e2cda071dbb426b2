using LowRank.Testing;
using LowRank.Training.Trackers;
using LowRank.Training.Trackers.Wandb;

namespace LowRank.Training.Tests.Trackers;

public sealed class WandbSyncTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private static WandbClient Client(StandInWandb server) => new(new WandbServer(new Uri(server.Address + "/"), server.Key)) { FirstRetry = TimeSpan.FromMilliseconds(1) };

    private Func<string, string?> Variables(StandInWandb server, string? key) => name => name switch
    {
        "WANDB_BASE_URL" => server.Address,
        "WANDB_API_KEY" => key,
        "NETRC" => folder.At("netrc"),
        _ => null,
    };

    private Task<IReadOnlyList<SyncResult>> Sync(string path, Func<string, string?> variables) => RunSync.SendAsync(path, variables, _ => { }, CancellationToken.None);

    [Fact]
    public async Task What_is_sent_is_sent_once()
    {
        SampleRun.Feed(new WandbTracker(SampleRun.Describe(folder.Path), 0), SampleRun.Events(0, 6));
        using var server = new StandInWandb();
        var sent = Assert.Single(await Sync(folder.Path, Variables(server, server.Key)));
        Assert.Equal(("wandb", "somebody/lowrank/ab12cd34", 6, true), (sent.Tracker, sent.Run, sent.Sent, sent.IsWhole));
        Assert.Equal(6, server.History.Count);
        // Files of the folder go along, with the headers that the server asked for.
        Assert.Contains(server.Requests, r => r is { Method: "PUT", Path: "/upload/output.log" } && r.Text.Contains("chosen: threads 1", StringComparison.Ordinal));
        Assert.Contains(server.Requests, r => r is { Method: "PUT", Path: "/upload/wandb-metadata.json" });
        var requests = server.Requests.Count;
        Assert.Equal(0, Assert.Single(await Sync(folder.Path, Variables(server, server.Key))).Sent);
        Assert.Equal(requests, server.Requests.Count);
    }

    [Fact]
    public async Task A_broken_upload_goes_on_where_it_was()
    {
        // Rows of half a megabyte, so that the history takes several requests.
        var path = folder.At("run-long.wandb");
        using (var writer = new RunLogWriter(new FileStream(path, FileMode.Create)))
        {
            writer.Write(new RunRecords(SampleRun.Describe(folder.Path)).Run(new System.Text.Json.Nodes.JsonObject()));
            for (var i = 0; i < 30; i++)
                writer.Write(new LowRank.Training.Trackers.Wandb.Proto.Record { History = new() { Item = { new LowRank.Training.Trackers.Wandb.Proto.HistoryItem { Key = $"k{i}", ValueJson = $"\"{new string('x', 1 << 19)}\"" } }, Step = new() { Num = i } } });
            writer.Write(new RunRecords(SampleRun.Describe(folder.Path)).Exit(LowRank.Training.Events.RunEnd.Finished, 1));
        }
        using var server = new StandInWandb { BreaksAfterStreams = 2 };
        using var client = Client(server);
        Assert.Contains("answered 500", (await Assert.ThrowsAsync<TrackerServerException>(() => WandbSync.SendAsync(path, client, CancellationToken.None))).Message, StringComparison.Ordinal);
        var before = server.History.Count;
        Assert.InRange(before, 1, 29);
        Assert.Equal(before, new SyncMarks(path).Lines);
        server.BreaksAfterStreams = int.MaxValue;
        var result = await WandbSync.SendAsync(path, client, CancellationToken.None);
        Assert.Equal(30 - before, result.Sent);
        Assert.Equal(Enumerable.Range(0, 30), server.History.Select(h => int.Parse(h.Split('"')[1][1..], System.Globalization.CultureInfo.InvariantCulture)));
        Assert.True(new SyncMarks(path).IsDone);
    }

    [Fact]
    public async Task A_run_that_has_not_ended_is_sent_again_later()
    {
        using var tracker = new WandbTracker(SampleRun.Describe(folder.Path), 0);
        foreach (var tracked in SampleRun.Events(0, 5, end: null)) tracker.Write(tracked);
        tracker.Flush();
        using var server = new StandInWandb();
        var sent = Assert.Single(await Sync(folder.Path, Variables(server, server.Key)));
        // The last row waits for what may be evaluated at it.
        Assert.Equal((4, false), (sent.Sent, sent.IsWhole));
        tracker.End(LowRank.Training.Events.RunEnd.Finished, SampleRun.Start.AddSeconds(9), CancellationToken.None);
        sent = Assert.Single(await Sync(folder.Path, Variables(server, server.Key)));
        Assert.Equal((1, true), (sent.Sent, sent.IsWhole));
        Assert.Equal(5, server.History.Count);
    }

    [Fact]
    public async Task Without_a_key_nothing_is_sent_and_a_wrong_one_is_told()
    {
        SampleRun.Feed(new WandbTracker(SampleRun.Describe(folder.Path), 0), SampleRun.Events(0, 2));
        using var server = new StandInWandb();
        var error = await Assert.ThrowsAsync<LowRankException>(() => Sync(folder.Path, Variables(server, null)));
        Assert.Contains("There is no key for 127.0.0.1, so nothing was sent. Set WANDB_API_KEY, or add to", error.Message, StringComparison.Ordinal);
        Assert.Empty(server.Requests);
        error = await Assert.ThrowsAsync<LowRankException>(() => Sync(folder.Path, Variables(server, "other")));
        Assert.Contains("does not take the key (401)", error.Message, StringComparison.Ordinal);
        folder.Write("netrc", "# mine\nmachine example.org login user password wrong\nmachine 127.0.0.1\n  login user password local-key\n");
        Assert.True(Assert.Single(await Sync(folder.Path, Variables(server, null))).IsWhole);
    }

    [Fact]
    public async Task A_folder_without_runs_is_told() =>
        Assert.Contains("holds nothing to send", (await Assert.ThrowsAsync<LowRankException>(() => Sync(folder.Path, _ => null))).Message, StringComparison.Ordinal);

    [Fact]
    public void Netrc_gives_the_password_of_the_machine_or_the_default()
    {
        var path = folder.Write("n", "machine a login x password one machine b login password password two\ndefault login z password three");
        Assert.Equal("one", Netrc.Password("a", path));
        Assert.Equal("two", Netrc.Password("b", path));
        Assert.Equal("three", Netrc.Password("c", path));
        Assert.Null(Netrc.Password("c", folder.At("none")));
    }
}
