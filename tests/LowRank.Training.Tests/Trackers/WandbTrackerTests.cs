using System.Text.Json.Nodes;
using CsCheck;
using LowRank.Testing;
using LowRank.Training.Events;
using LowRank.Training.Trackers.Wandb;
using LowRank.Training.Trackers.Wandb.Proto;
using Record = LowRank.Training.Trackers.Wandb.Proto.Record;

namespace LowRank.Training.Tests.Trackers;

public sealed class WandbTrackerTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private string Log() => Assert.Single(WandbFolder.LogsAt(folder.Path));

    private void Feed(int from, int to, RunEnd? end = RunEnd.Finished) => SampleRun.Feed(new WandbTracker(SampleRun.Describe(folder.Path), from), SampleRun.Events(from, to, end), end);

    [Fact]
    public void A_run_is_a_folder_as_wandb_lays_it_out()
    {
        Feed(0, 6);
        var log = Log();
        Assert.Matches(@"wandb[/\\]offline-run-\d{8}_\d{6}-ab12cd34[/\\]run-ab12cd34\.wandb$", log);
        var files = Path.Combine(Path.GetDirectoryName(log)!, "files");
        Assert.Equal(["config.yaml", "output.log", "wandb-metadata.json", "wandb-summary.json"], Directory.GetFiles(files).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
        Assert.Contains("rank:\n    value: 16\n", File.ReadAllText(Path.Combine(files, "config.yaml")), StringComparison.Ordinal);
        Assert.Contains("model:\n    value: \"a \\\"model\\\" é 한\"\n", File.ReadAllText(Path.Combine(files, "config.yaml")), StringComparison.Ordinal);
        Assert.Equal(new string('a', 40), JsonNode.Parse(File.ReadAllText(Path.Combine(files, "wandb-metadata.json")))!["git"]!["commit"]!.ToString());

        var records = RunLogReader.Read(log).ToList();
        Assert.Equal(Enumerable.Range(1, records.Count).Select(n => (long)n), records.Select(r => r.Num));
        Assert.Equal(Record.RecordTypeOneofCase.Header, records[0].RecordTypeCase);
        Assert.Equal(Record.RecordTypeOneofCase.Exit, records[^1].RecordTypeCase);
        Assert.Equal(0, records[^1].Exit.ExitCode);
        var run = OfflineRun.Read(log);
        Assert.Equal(("ab12cd34", "lowrank", "sample"), (run.Run.RunId, run.Run.Project, run.Run.DisplayName));
        Assert.Equal(["lora", "kind=test"], run.Run.Tags);
        var rows = run.History(0).Select(LooseJson.Parse).ToList();
        // A step and what was evaluated at it are one row.
        Assert.Equal(["1", "2", "3", "4", "5", "6"], rows.Select(r => r["_step"]!.ToString()));
        Assert.Equal("Infinity", rows[1]["train/grad_norm"]!.ToString());
        Assert.Equal(SampleRun.HeldOut(3), rows[2]["eval/loss"]!.GetValue<double>());
        Assert.Equal(2.0, rows[1]["_runtime"]!.GetValue<double>());
        var summary = LooseJson.Parse(run.Summary.ToJson());
        LooseJson.AssertEqual(LooseJson.Parse(File.ReadAllText(Path.Combine(files, "wandb-summary.json"))), summary, "summary");
        Assert.Equal(0.75, summary["eval/loss"]!["min"]!.GetValue<double>());
        Assert.Equal(0.5, summary["final/train_loss"]!.GetValue<double>());
        Assert.Equal("10", summary["_wandb"]!["runtime"]!.ToString());
        LooseJson.AssertEqual(JsonNode.Parse("""[{"1":"eval/loss","6":[3],"7":[1],"8":1}]"""), LooseJson.Parse(run.Config.ToJson())["_wandb"]!["value"]!["m"], "metrics");
    }

    [Fact]
    public void A_resumed_run_goes_on_in_its_file_from_the_checkpoint()
    {
        Feed(0, 8, RunEnd.Cancelled);
        var log = Log();
        Assert.Equal(130, OfflineRun.Read(log).Exit!.ExitCode);
        File.WriteAllText(log + ".synced", "");
        File.WriteAllText(log + ".sync", "8");
        Feed(4, 9);
        Assert.Equal(log, Log());
        var run = OfflineRun.Read(log);
        Assert.Equal(["1", "2", "3", "4", "5", "6", "7", "8", "9"], run.History(0).Select(r => LooseJson.Parse(r)["_step"]!.ToString()));
        Assert.Equal(0, run.Exit!.ExitCode);
        Assert.Single(RunLogReader.Read(log), r => r.RecordTypeCase == Record.RecordTypeOneofCase.Exit);
        Assert.Equal(RunLogReader.Read(log).Select((_, i) => i + 1L), RunLogReader.Read(log).Select(r => r.Num));
        Assert.Equal(0.75, LooseJson.Parse(run.Summary.ToJson())["eval/loss"]!["min"]!.GetValue<double>());
        // It has changed, so it is to be sent anew.
        Assert.False(File.Exists(log + ".synced") || File.Exists(log + ".sync"));
    }

    [Fact]
    public void A_run_that_broke_off_says_so()
    {
        Feed(0, 2, end: null);
        Assert.Equal(1, OfflineRun.Read(Log()).Exit!.ExitCode);
    }

    // Lengths around the block's: a head that just fits, that does not, a record that ends with the block.
    [Fact]
    public void Records_of_any_length_come_back() =>
        Gen.OneOf(Gen.Int[0, 40], Gen.Int[32740, 32780], Gen.Int[65500, 65540], Gen.Int[0, 100000]).List[1, 12].Sample(lengths =>
        {
            var path = folder.At($"{Guid.NewGuid():N}.wandb");
            byte[][] records = [.. lengths.Select((l, i) => { var bytes = new byte[l]; new Random(i + l).NextBytes(bytes); return bytes; })];
            // Closed and opened again in between, as a resumed run does.
            for (var half = 0; half < 2; half++)
            {
                using var writer = new RunLogWriter(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite));
                foreach (var record in half == 0 ? records[..(records.Length / 2)] : records[(records.Length / 2)..]) writer.Write(record);
            }
            var same = RunLogReader.ReadBytes(path).Select(r => r.Bytes).SequenceEqual(records, ByteArrays.Instance);
            // Cut anywhere, whole records before the cut are still read.
            using (var file = new FileStream(path, FileMode.Open)) file.SetLength(7 + (file.Length - 7) / 2);
            var kept = RunLogReader.ReadBytes(path).Select(r => r.Bytes).ToList();
            File.Delete(path);
            return same && kept.SequenceEqual(records.Take(kept.Count), ByteArrays.Instance);
        }, iter: 60, threads: 1);

    [Fact]
    public void Damage_is_told_with_its_place()
    {
        Feed(0, 6);
        var bytes = File.ReadAllBytes(Log());
        bytes[400] ^= 1;
        File.WriteAllBytes(folder.At("damaged.wandb"), bytes);
        Assert.Matches("damaged at byte [0-9]+: its checksum", Assert.Throws<LowRankException>(() => OfflineRun.Read(folder.At("damaged.wandb"))).Message);
        File.WriteAllText(folder.At("other.wandb"), "something else");
        Assert.Contains("is not a run of Weights & Biases", Assert.Throws<LowRankException>(() => OfflineRun.Read(folder.At("other.wandb"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nested_values_keep_their_text()
    {
        var values = new NestedValues();
        values.Set(["a"], "{\"x\":1.0,\"y\":[1,2]}");
        values.Set(["a", "x"], "NaN");
        values.Set(["b", "c", "d"], "\"é\"");
        values.Set(["gone"], "1");
        values.Remove(["gone"]);
        Assert.Equal("""{"a":{"x":NaN,"y":[1,2]},"b":{"c":{"d":"é"}}}""", values.ToJson());
    }

    private sealed class ByteArrays : IEqualityComparer<byte[]>
    {
        public static ByteArrays Instance { get; } = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj) => obj.Length;
    }
}
