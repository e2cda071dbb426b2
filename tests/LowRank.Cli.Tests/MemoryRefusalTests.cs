using System.Text.Json;
using LowRank.Testing;
using LowRank.Training.Tests;

namespace LowRank.Cli.Tests;

/// <summary>Running out of memory on a CPU is a kill, not an exception: a run that is planned to need too much does not begin.</summary>
public sealed class MemoryRefusalTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private string[] Train(params string[] more) =>
        ["train", "--model", TinyModel.Create(folder.At("model")), "--data", TinyModel.CreateData(folder.At("rows.jsonl")), "--output", folder.At("run"), "--max-steps", "1", .. more];

    [Fact]
    public async Task A_run_that_does_not_fit_is_refused_before_the_model_is_loaded()
    {
        var result = await Tool.Run(Train("--memory", "100MB"));
        result.AssertFails(1, "The run would need", "100.0 MB of --memory", "--force");
        Assert.DoesNotContain("Loading", result.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.At("run")));
    }

    [Fact]
    public async Task Force_runs_it_and_the_warning_stays()
    {
        var result = await Tool.Run(Train("--memory", "100MB", "--force"));
        Assert.Equal(0, result.Code);
        Assert.Contains("warning: [memory-tight] The run is planned to need", result.Out, StringComparison.Ordinal);
        Assert.Contains("--force", result.Out, StringComparison.Ordinal);
        using var end = JsonDocument.Parse(File.ReadLines(Path.Combine(folder.At("run"), "metrics.jsonl")).Last());
        Assert.True(end.RootElement.GetProperty("predicted_peak_mib").GetDouble() > 100);
    }

    [Fact]
    public async Task More_than_80_percent_is_warned_of()
    {
        var needed = await Needed();
        var result = await Tool.Run(Train("--memory", FormattableString.Invariant($"{needed * 1.1 * 1.048576:0}MB")));
        Assert.Equal(0, result.Code);
        Assert.Contains("leave 20 % free", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_amount_that_is_none_is_said() => (await Tool.Run(Train("--memory", "plenty"))).AssertFails(1, "--memory", "plenty");

    // The plan itself, in MiB.
    private async Task<double> Needed()
    {
        Assert.Equal(0, (await Tool.Run(Train())).Code);
        using var end = JsonDocument.Parse(File.ReadLines(Path.Combine(folder.At("run"), "metrics.jsonl")).Last());
        Directory.Delete(folder.At("run"), recursive: true);
        return end.RootElement.GetProperty("predicted_peak_mib").GetDouble();
    }
}
