using System.Diagnostics;
using LowRank.Testing;
using LowRank.Training.Events;
using LowRank.Training.Settings;
using LowRank.Training.Trackers;
using LowRank.Training.Trackers.Mlflow;

namespace LowRank.Training.Tests.Trackers;

public sealed class MlflowTrackerTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly List<string> warnings = [];

    public void Dispose() => folder.Dispose();

    private MlflowTracker Open(string address) => new(SampleRun.Describe(folder.Path), MlflowServer.Of(address, _ => null), w => { lock (warnings) warnings.Add(w); }) { Interval = TimeSpan.FromMilliseconds(1) };

    private string Spool => folder.At("mlflow/spool.jsonl");

    private Task<IReadOnlyList<SyncResult>> Sync() => RunSync.SendAsync(folder.Path, _ => null, _ => { }, CancellationToken.None);

    [Fact]
    public void A_run_arrives_and_leaves_no_spool()
    {
        using var server = new StandInMlflow();
        SampleRun.Feed(Open(server.Address), SampleRun.Events(0, 6));
        Assert.Empty(warnings);
        var run = Assert.Single(server.Runs);
        Assert.Equal(("1", "sample", SampleRun.Start.ToUnixTimeMilliseconds()), (run["experiment_id"]!.ToString(), run["run_name"]!.ToString(), run["start_time"]!.GetValue<long>()));
        var tags = run["tags"]!.AsArray().ToDictionary(t => t!["key"]!.ToString(), t => t!["value"]!.ToString());
        Assert.Equal(("true", "test", new string('a', 40)), (tags["lora"], tags["kind"], tags["mlflow.source.git.commit"]));
        Assert.Equal(("16", "true", "0.0002", "00ff", "10"), (server.Parameters["rank"], server.Parameters["packing"], server.Parameters["learning-rate"], server.Parameters["data_fingerprint"], server.Parameters["trainable_parameters"]));
        Assert.Equal(["train/loss@1=3", "train/loss@2=1.5", "train/loss@3=1", "train/loss@4=0.75", "train/loss@5=0.6", "train/loss@6=0.5"], server.Metrics.Where(m => m.StartsWith("train/loss@", StringComparison.Ordinal)));
        Assert.Contains("train/grad_norm@2=Infinity", server.Metrics);
        Assert.Contains("eval/loss@6=0.75", server.Metrics);
        Assert.Equal(["FINISHED"], server.States);
        Assert.False(File.Exists(Spool));
        Assert.Equal("run1", new MlflowSpool(folder.Path).State!.RunId);
    }

    [Fact]
    public async Task A_server_that_is_gone_leaves_all_of_it_for_later()
    {
        var address = StandInServer.FreeAddress();
        SampleRun.Feed(Open(address), SampleRun.Events(0, 6));
        Assert.Contains($"is kept in {folder.At("mlflow")}, and lowrank runs sync {folder.Path} sends it.", warnings[0], StringComparison.Ordinal);
        // The server comes later, at another address than the one that was free.
        using var server = new StandInMlflow();
        File.WriteAllText(folder.At("mlflow/run.json"), File.ReadAllText(folder.At("mlflow/run.json")).Replace(address, server.Address, StringComparison.Ordinal));
        var sent = Assert.Single(await Sync());
        Assert.Equal(("mlflow", "run1", true), (sent.Tracker, sent.Run, sent.IsWhole));
        Assert.Equal(6, server.Metrics.Count(m => m.StartsWith("train/loss@", StringComparison.Ordinal)));
        Assert.Equal("16", server.Parameters["rank"]);
        Assert.Equal(["FINISHED"], server.States);
        Assert.False(File.Exists(Spool));
    }

    [Fact]
    public async Task A_server_that_breaks_in_between_gets_the_rest_later_and_nothing_twice()
    {
        using var server = new StandInMlflow();
        using (var tracker = Open(server.Address))
        {
            foreach (var tracked in SampleRun.Events(0, 3, end: null)) tracker.Write(tracked);
            tracker.Flush();
            var patience = Stopwatch.StartNew();
            while (server.Metrics.Count == 0 && patience.Elapsed < TimeSpan.FromSeconds(20)) await Task.Delay(10);
            // The server has taken the lines before it breaks; that the tracker has noted it comes a moment later.
            while (new MlflowSpool(folder.Path).State!.Sent < new FileInfo(Spool).Length && patience.Elapsed < TimeSpan.FromSeconds(20)) await Task.Delay(10);
            server.IsBroken = true;
            foreach (var tracked in SampleRun.Events(3, 6).Skip(1)) tracker.Write(tracked);
            tracker.End(RunEnd.Finished, SampleRun.Start.AddSeconds(9), CancellationToken.None);
        }
        Assert.Contains("answered 500", warnings[0], StringComparison.Ordinal);
        Assert.Contains("answered 500", (await Assert.ThrowsAsync<LowRankException>(Sync)).Message, StringComparison.Ordinal);
        server.IsBroken = false;
        await Sync();
        Assert.Single(server.Runs);
        Assert.Equal(["1", "2", "3", "4", "5", "6"], server.Metrics.Where(m => m.StartsWith("train/loss@", StringComparison.Ordinal)).Select(m => m.Split('@', '=')[1]));
        Assert.Equal(["FINISHED"], server.States);
    }

    [Fact]
    public async Task A_server_that_hangs_delays_neither_events_nor_for_long_the_end()
    {
        using var server = new StandInMlflow { Hangs = true };
        var tracker = Open(server.Address);
        using (tracker)
        {
            foreach (var tracked in SampleRun.Events(0, 1, end: null)) tracker.Write(tracked);
            tracker.Flush();
            var patience = Stopwatch.StartNew();
            while (server.Requests.Count == 0 && patience.Elapsed < TimeSpan.FromSeconds(20)) await Task.Delay(10);
            var clock = Stopwatch.StartNew();
            foreach (var tracked in SampleRun.Events(1, 2000).Skip(1))
            {
                tracker.Write(tracked);
                tracker.Flush();
            }
            // 2000 steps to disk take tens of milliseconds; one wait for the server would take seconds.
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"events took {clock.Elapsed}");
            clock.Restart();
            using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
            tracker.End(RunEnd.Finished, SampleRun.Start.AddSeconds(9), limit.Token);
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"the end took {clock.Elapsed}");
        }
        Assert.Contains("it has not taken everything", Assert.Single(warnings), StringComparison.Ordinal);
        server.Hangs = false;
        Assert.True(Assert.Single(await Sync()).IsWhole);
        Assert.Equal(2000, server.Metrics.Count(m => m.StartsWith("train/loss@", StringComparison.Ordinal)));
        // Nine hundred numbers a request, nine a step.
        Assert.InRange(server.Requests.Count(r => r.Path.EndsWith("log-batch", StringComparison.Ordinal)), 20, 40);
    }

    [Fact]
    public void A_resumed_run_goes_on_in_the_same_run_and_tells_no_step_twice()
    {
        using var server = new StandInMlflow();
        SampleRun.Feed(Open(server.Address), SampleRun.Events(0, 5, RunEnd.Cancelled), RunEnd.Cancelled);
        SampleRun.Feed(Open(server.Address), SampleRun.Events(3, 6));
        Assert.Single(server.Runs);
        Assert.Equal(["1", "2", "3", "4", "5", "6"], server.Metrics.Where(m => m.StartsWith("train/loss@", StringComparison.Ordinal)).Select(m => m.Split('@', '=')[1]));
        Assert.Equal(["3", "6"], server.Metrics.Where(m => m.StartsWith("eval/loss@", StringComparison.Ordinal)).Select(m => m.Split('@', '=')[1]));
        Assert.Equal(["KILLED", "RUNNING", "FINISHED"], server.States);
        Assert.Empty(warnings);
    }

    [Fact]
    public async Task Half_a_line_of_a_killed_process_is_dropped()
    {
        SampleRun.Feed(Open(StandInServer.FreeAddress()), SampleRun.Events(0, 3, end: null), end: null);
        File.AppendAllText(Spool, "{\"metrics\":[{\"key\":\"tra");
        using var server = new StandInMlflow();
        var state = File.ReadAllText(folder.At("mlflow/run.json"));
        File.WriteAllText(folder.At("mlflow/run.json"), System.Text.RegularExpressions.Regex.Replace(state, "http[^\"]*", server.Address + "/"));
        SampleRun.Feed(Open(server.Address), SampleRun.Events(2, 5));
        Assert.Equal(["1", "2", "3", "4", "5"], server.Metrics.Where(m => m.StartsWith("train/loss@", StringComparison.Ordinal)).Select(m => m.Split('@', '=')[1]));
        Assert.Equal(["FAILED", "RUNNING", "FINISHED"], server.States);
        await Assert.ThrowsAsync<LowRankException>(Sync);
    }

    [Theory]
    [InlineData(null, "--tracker mlflow needs the address of a server: --mlflow-uri URL, or the variable MLFLOW_TRACKING_URI")]
    [InlineData("file:///mlruns", "is not the address of a server")]
    [InlineData("http://me:secret@host", "holds a user or password")]
    public void An_address_that_cannot_be_used_is_told(string? address, string message) =>
        Assert.Contains(message, Assert.Throws<SettingsException>(() => MlflowServer.FromSettings(new TrackerSettings { MlflowUri = address }, _ => null)).Message, StringComparison.Ordinal);

    [Fact]
    public void Who_asks_comes_from_the_environment()
    {
        Assert.Equal("Bearer t", MlflowServer.Of("http://h", n => n == "MLFLOW_TRACKING_TOKEN" ? "t" : null).Authorization!.ToString());
        Assert.Equal("Basic dTpw", MlflowServer.Of("http://h", n => n switch { "MLFLOW_TRACKING_USERNAME" => "u", "MLFLOW_TRACKING_PASSWORD" => "p", _ => null }).Authorization!.ToString());
    }
}
