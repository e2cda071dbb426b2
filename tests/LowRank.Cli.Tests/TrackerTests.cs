using System.Text;
using LowRank.Testing;
using LowRank.Training.Tests;

namespace LowRank.Cli.Tests;

/// <summary>Trackers through the real program: kept on disk, sent later, exported while it runs.</summary>
public sealed class TrackerTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string[] train;

    public TrackerTests() => train = ["train", "--model", TinyModel.Create(folder.At("model")), "--data", TinyModel.CreateData(folder.At("rows.jsonl")), "--output", folder.At("out"), "--max-steps", "3", "--threads", "1", "--rank", "2"];

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task An_offline_run_is_sent_later()
    {
        var run = await Tool.Run([.. train, "--tracker", "wandb,tensorboard", "--project", "tests", "--run-name", "tiny", "--tags", "a,b"]);
        Assert.True(run.Code == 0, run.Error);
        Assert.NotEmpty(Directory.GetFiles(folder.At("out/tensorboard")));

        using var server = new StandInWandb();
        (string, string)[] variables = [("WANDB_BASE_URL", server.Address), ("WANDB_API_KEY", ""), ("NETRC", folder.At("none"))];
        (await Tool.Run(["runs", "sync", folder.At("out")], "", null, variables)).AssertFails(1, "There is no key for 127.0.0.1", "WANDB_API_KEY");
        Assert.Empty(server.Requests);

        variables[1] = ("WANDB_API_KEY", server.Key);
        var sync = await Tool.Run(["runs", "sync", folder.At("out")], "", null, variables);
        Assert.True(sync.Code == 0, sync.Error);
        Assert.Matches(@"^wandb: sent somebody/tests/[a-z0-9]{8}, 3 rows\n$", sync.Out);
        Assert.Equal(3, server.History.Count);
        var again = await Tool.Run(["runs", "sync", folder.At("out"), "--json"], "", null, variables);
        Assert.Contains("\"sent\": 0", again.Out, StringComparison.Ordinal);

        (await Tool.Run("runs", "sync", folder.At("out"), "--offline")).AssertFails(2, "needs the network");
        (await Tool.Run("runs", "sync", folder.At("model"))).AssertFails(1, "holds nothing to send");
    }

    [Fact]
    public async Task OpenTelemetry_is_exported_while_the_run_goes_on()
    {
        using var server = new StandInServer(_ => new StandInAnswer(200));
        var run = await Tool.Run([.. train, "--tracker", "otel"], "", null, ("OTEL_EXPORTER_OTLP_ENDPOINT", server.Address), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"));
        Assert.True(run.Code == 0, run.Error);
        Assert.DoesNotContain("tracker otel", run.Error, StringComparison.Ordinal);
        // Protobuf holds names as they are.
        string All(string path) => string.Concat(server.Requests.Where(r => r.Path == path).Select(r => Encoding.UTF8.GetString(r.Bytes)));
        foreach (var name in (string[])["lowrank.train.loss", "lowrank.train.step.duration", "lowrank.train.tokens"]) Assert.Contains(name, All("/v1/metrics"), StringComparison.Ordinal);
        foreach (var name in (string[])["epoch", "lowrank.data_fingerprint", "service.name"]) Assert.Contains(name, All("/v1/traces"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_collector_the_run_ends_as_well_and_says_so()
    {
        var run = await Tool.Run([.. train, "--tracker", "otel"], "", null, ("OTEL_EXPORTER_OTLP_ENDPOINT", StandInServer.FreeAddress()), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"));
        Assert.True(run.Code == 0, run.Error);
        Assert.Single(run.ErrorLines, l => l.StartsWith("warning: tracker otel:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_wrong_name_is_told_with_the_nearest() =>
        (await Tool.Run([.. train, "--tracker", "wanbd"])).AssertFails(2, "did you mean wandb?");
}
