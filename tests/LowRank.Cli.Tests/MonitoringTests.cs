using System.Diagnostics;
using System.Text.Json;
using LowRank.Testing;
using LowRank.Testing.Nvml;
using LowRank.Training.Tests;

namespace LowRank.Cli.Tests;

/// <summary>top, runs and reports through the real program.</summary>
public sealed class MonitoringTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    // A list of jobs of its own, so that other tests' runs are not in it.
    private (string, string)[] Variables(string? nvml = null) => [("LOWRANK_CACHE", folder.At("cache")), ("LOWRANK_NVML", nvml ?? folder.At("none.so"))];

    private Task<ToolResult> Tool80(string[] arguments, string? nvml = null) => Tool.Run(arguments, "", columns: 80, Variables(nvml));

    private string[] Train(string output, params string[] more) => ["train", "--model", folder.At("model"), "--data", folder.At("rows.jsonl"), "--output", folder.At(output), "--batch", "4", "--threads", "1", .. more];

    [Fact]
    public async Task Top_shows_a_run_while_it_goes_on_and_the_GPUs()
    {
        var nvml = FakeNvml.Build(folder.Path);
        TinyModel.Create(folder.At("model"));
        TinyModel.CreateData(folder.At("rows.jsonl"));
        using (var run = Tool.Start(Train("a-run", "--max-steps", "100000", "--monitor-every", "0.2", "--json"), null, null, Variables(nvml)))
        {
            var seenMachine = false;
            while (await run.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
                if (seenMachine |= line.Contains("\"event\":\"machine\"", StringComparison.Ordinal)) break;
            _ = run.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            Assert.True(seenMachine);
            var shown = await Tool80(["top"], nvml);
            Assert.True(shown.Code == 0, shown.Error);
            Assert.All(shown.Out.Split('\n'), line => Assert.True(line.Length <= 80, line));
            Assert.Matches(@"\na-run +\d+ +\d+/100000 +\d+\.\d{4} +[\d,]+ +\d+ MiB ", shown.Out);
            Assert.Matches(@"\n0 NVIDIA H200 +– +61 °C +612/700 W +120,000/143,771 MiB +97 % +40\n1 Tesla K80 +35 % +– +– +100/11,441 MiB +– +–\n2 unknown ", shown.Out);

            using var json = JsonDocument.Parse((await Tool80(["top", "--once", "--json"], nvml)).Out);
            var job = Assert.Single(json.RootElement.GetProperty("jobs").EnumerateArray());
            Assert.Equal((folder.At("a-run"), run.Id, 100000), (job.GetProperty("folder").GetString(), job.GetProperty("pid").GetInt32(), job.GetProperty("total_steps").GetInt32()));
            Assert.True(job.GetProperty("step").GetInt64() > 0 && job.GetProperty("resident_bytes").GetInt64() > 10 << 20);
            Assert.Equal(3, json.RootElement.GetProperty("gpus").GetArrayLength());
            var running = await Tool80(["runs", folder.Path]);
            Assert.Contains("running", running.Out, StringComparison.Ordinal);
            run.Kill();
            await Tool.End(run);
        }
        // The killed process left its entry.
        var after = await Tool80(["top", "--once"]);
        Assert.Contains("no training of this user is running here", after.Out, StringComparison.Ordinal);
        Assert.Contains("no GPUs: ", after.Out, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder.At("cache/running")));
        var gpus = File.ReadLines(folder.At("a-run/metrics.jsonl")).First(l => l.Contains("\"machine\"", StringComparison.Ordinal));
        Assert.Contains("\"temperature_c\":61", gpus, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Runs_are_listed_compared_and_reported_again()
    {
        TinyModel.Create(folder.At("model"));
        TinyModel.CreateData(folder.At("rows.jsonl"));
        var first = await Tool80(Train("runs/first", "--max-steps", "3", "--validation", "4"));
        Assert.True(first.Code == 0, first.Error);
        Assert.Contains("asked:", first.Out, StringComparison.Ordinal);
        Assert.Contains("report: ", first.Out, StringComparison.Ordinal);
        Assert.Equal(0, (await Tool80(Train("runs/deep/second", "--max-steps", "4", "--rank", "8", "--report", "false"))).Code);
        Assert.False(File.Exists(folder.At("runs/deep/second/report.html")));

        var list = await Tool80(["runs", folder.At("runs")]);
        Assert.True(list.Code == 0, list.Error);
        Assert.All(list.Out.Split('\n'), line => Assert.True(line.Length <= 80, line));
        Assert.Matches(@"\nfirst +model +lora +3 +\d+\.\d{4} +\d+\.\d{4} +\d+ MiB +[\d.]+ s +finished\n", list.Out);
        Assert.Matches(@"\ndeep/second +model +lora +4 +\d+\.\d{4} +– ", list.Out);
        Assert.Equal(list.Out, (await Tool80(["runs", "list", folder.At("runs")])).Out);
        using var rows = JsonDocument.Parse((await Tool80(["runs", folder.At("runs"), "--json"])).Out);
        Assert.Equal(["first", Path.Combine("deep", "second")], rows.RootElement.EnumerateArray().Select(r => r.GetProperty("name").GetString()));
        Assert.Equal("finished", rows.RootElement[0].GetProperty("state").GetString());

        var compared = await Tool80(["runs", "compare", folder.At("runs/first"), folder.At("runs/deep/second")]);
        Assert.True(compared.Code == 0, compared.Error);
        Assert.Matches(@"\nrank +16 +8\n", compared.Out);
        Assert.Matches(@"\nmax-steps +3 +4\n", compared.Out);
        Assert.Matches(@"\nheld-out loss +\d+\.\d{4} +–\n", compared.Out);
        Assert.DoesNotContain("\noutput ", compared.Out, StringComparison.Ordinal);
        using var json = JsonDocument.Parse((await Tool80(["runs", "compare", folder.At("runs/first"), folder.At("runs/deep/second"), "--json"])).Out);
        Assert.Contains(json.RootElement.GetProperty("settings").EnumerateArray(), s => s.GetProperty("key").GetString() == "rank" && s.GetProperty("values")[1].GetString() == "8");

        var page = folder.At("runs/first/report.html");
        File.Delete(page);
        var report = await Tool80(["runs", "report", folder.At("runs/first")]);
        Assert.Equal(page + "\n", report.Out);
        Assert.True(File.Exists(page));
        (await Tool80(["runs", "report", folder.Path])).AssertFails(1, "run.json is missing");
        Assert.Equal(2, (await Tool80(["runs", "compare", folder.At("runs/first")])).Code);
    }

    [Fact]
    public async Task A_folder_without_runs_says_so_and_a_damaged_one_is_passed_over()
    {
        var none = await Tool80(["runs", folder.Path]);
        Assert.Equal((0, $"no runs below {folder.Path}\n"), (none.Code, none.Out));
        Directory.CreateDirectory(folder.At("bad"));
        folder.Write("bad/run.json", "{}");
        var bad = await Tool80(["runs", folder.Path]);
        Assert.Equal(0, bad.Code);
        Assert.Contains("warning: ", bad.Error, StringComparison.Ordinal);
    }
}
