using System.Text.Json;
using LowRank.Testing;

namespace LowRank.Cli.Tests;

/// <summary><c>lowrank quickstart</c>, shortened: what is printed and what is left behind. What it reaches is tested in LowRank.Training.Tests.</summary>
[Trait("Category", "Quickstart")]
public sealed class QuickstartTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    [Fact]
    public async Task It_prints_its_stations_in_sixty_columns()
    {
        var result = await Tool.Run(["quickstart", "--max-steps", "4", "--held-out", "8", "--output", folder.At("out")], "", columns: 60);
        Assert.True(result.Code == 0, result.Error);
        var lines = result.Out.Split('\n');
        string[] stations = ["1  Plan", "2  Before training", "3  Training", "4  After training", "5  Answers before and after", "6  Memory", "7  The saved adapter"];
        Assert.Equal(stations, lines.Where(l => l.Length > 3 && char.IsAsciiDigit(l[0]) && l[1..3] == "  "));
        Assert.Contains(lines, l => l.StartsWith("  accuracy ", StringComparison.Ordinal) && l.EndsWith("points)", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, l => l.StartsWith("  ", StringComparison.Ordinal) && l.Length > 60 && !l.Contains(Path.DirectorySeparatorChar));
        Assert.DoesNotContain('\e', result.Out);
        Assert.True(File.Exists(folder.At("out/adapter_model.safetensors")));
    }

    [Fact]
    public async Task Json_holds_the_result_alone()
    {
        var result = await Tool.Run("quickstart", "--max-steps", "2", "--held-out", "4", "--output", folder.At("out"), "--json");
        Assert.True(result.Code == 0, result.Error);
        var json = JsonDocument.Parse(result.Out).RootElement;
        Assert.True(json.GetProperty("is_reloaded_equal").GetBoolean());
        Assert.True(json.GetProperty("measured_peak_bytes").GetInt64() > 100 << 20);
    }

    [Fact]
    public async Task A_folder_in_use_and_a_count_of_nothing_are_refused()
    {
        File.WriteAllText(folder.At("something"), "");
        var used = await Tool.Run("quickstart", "--output", folder.Path);
        used.AssertFails(1, "--output");
        (await Tool.Run("quickstart", "--max-steps", "0")).AssertFails(2, "--max-steps");
    }

    public void Dispose() => folder.Dispose();
}
