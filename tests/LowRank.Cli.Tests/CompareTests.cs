using System.Diagnostics;
using System.Text.Json;
using LowRank.Testing;
using LowRank.Training.Tests;

namespace LowRank.Cli.Tests;

/// <summary>A comparison through the real program, each run in a process of its own; stopped by Ctrl-C and gone on with.</summary>
public sealed class CompareTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string[] settings;

    public CompareTests() => settings =
    [
        "compare", "--vary", "method=full,lora", "--lr-grid", "1e-2 full:5e-3", "--seeds", "1", "--model", TinyModel.Create(folder.At("model")), "--data", TinyModel.CreateData(folder.At("rows.jsonl")),
        "--validation", "6", "--rank", "4", "--max-steps", "6", "--batch", "6", "--threads", "1", "--output", folder.At("out"),
    ];

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Two_tables_and_files_come_of_it_and_the_next_call_prints_json()
    {
        var run = await Tool.Run(settings);
        Assert.True(run.Code == 0, run.Error);
        Assert.Matches(@"^quality\n  method +lr +loss +right % \[95 %\] +gain kept % +forgets\n  base ", run.Out);
        Assert.Matches(@"\ncost\n  method +bits +trained +planned +peak +train/s +write/s +disk +fits\n  full +32 ", run.Out);
        Assert.Contains("[5/5]", run.Error, StringComparison.Ordinal);
        Assert.True(new FileInfo(folder.At("out/curves.png")).Length > 1000);
        Assert.All(run.Out.Split('\n').Take(10), line => Assert.True(line.Length <= 80, line));

        var again = await Tool.Run([.. settings, "--json"]);
        Assert.Equal(0, again.Code);
        Assert.Equal(5, again.Error.Split('\n').Count(line => line.EndsWith("(kept)", StringComparison.Ordinal)));
        using var json = JsonDocument.Parse(again.Out);
        var cells = json.RootElement.GetProperty("cells").EnumerateArray().ToList();
        Assert.Equal(["full", "lora"], cells.Select(c => c.GetProperty("name").GetString()));
        // Each run is measured in a process of its own.
        Assert.All(cells, c => Assert.InRange(c.GetProperty("measured_peak_bytes").GetInt64(), 100L << 20, 2L << 30));
    }

    [Fact]
    public async Task Ctrl_C_keeps_what_is_finished()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "signals are sent with kill");
        using var stopped = Tool.Start(settings);
        var output = stopped.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        while (await stopped.StandardError.ReadLineAsync(TestContext.Current.CancellationToken) is { } line && !line.StartsWith("[1/5]", StringComparison.Ordinal)) { }
        using (var kill = Process.Start("kill", ["-INT", $"{stopped.Id}"])) await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        var error = await stopped.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await Tool.End(stopped);
        Assert.Equal(130, stopped.ExitCode);
        Assert.Contains("interrupted", error, StringComparison.Ordinal);
        Assert.Equal("", await output);
        Assert.Empty(Directory.GetFiles(folder.At("out"), "*.request.json", SearchOption.AllDirectories));
        var rest = await Tool.Run(settings);
        Assert.Equal(0, rest.Code);
        Assert.Contains("(kept)", rest.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_varied_is_wrong_usage()
    {
        string[] wrong = [.. settings];
        wrong[2] = "method=full,magic rnak=8";
        (await Tool.Run(wrong)).AssertFails(2, "--vary method: \"magic\" is not one of", "--vary rnak: there is no such setting; did you mean rank?");
        Assert.False(Directory.Exists(folder.At("out")));
        (await Tool.Run("compare")).AssertFails(2, "--vary", "--model", "--data", "--output");
    }
}
