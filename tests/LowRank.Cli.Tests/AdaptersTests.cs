using System.Text.Json.Nodes;
using LowRank.Adapters;
using LowRank.Testing;

namespace LowRank.Cli.Tests;

public sealed class AdaptersTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Adapters_become_one()
    {
        var source = Golden.At("models", "lora", "llama-qv-r8");
        Assert.SkipUnless(Directory.Exists(source), "absent: models/lora/llama-qv-r8");
        var result = await Tool.Run("adapters", "combine", "--adapter", $"a={source}", "--adapter", $"b={source}", "--weights", "-0.5,1.2", "--method", "cat", "--output", folder.At("out"), "--json");
        Assert.Equal(0, result.Code);
        var json = JsonNode.Parse(result.Out)!;
        var config = LoraConfig.Load(folder.At("out"));
        Assert.Equal((16, 16.0, 16), (config.Rank, config.Alpha, json["rank"]!.GetValue<int>()));
        Assert.Equal(["adapter_config.json", "adapter_model.safetensors", "lowrank.json"], Directory.GetFileSystemEntries(folder.At("out")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("There are 1 adapters and 2 weights", "--adapter", "a=x", "--weights", "1,2")]
    [InlineData("'x' is not a number", "--adapter", "a=x", "--weights", "x")]
    [InlineData("ties needs a density", "--adapter", "a=x", "--weights", "1", "--method", "ties")]
    public async Task What_makes_no_sense_is_told(string message, params string[] arguments) =>
        (await Tool.Run(["adapters", "combine", "--output", folder.At("out"), .. arguments])).AssertFails(2, message);

    [Fact]
    public async Task Help_has_an_example()
    {
        var result = await Tool.Run(["adapters", "combine", "--help"], "", columns: 60);
        Assert.Equal(0, result.Code);
        Assert.Contains("lowrank adapters combine --adapter", result.Out, StringComparison.Ordinal);
        Assert.All(result.Out.Split('\n'), line => Assert.True(line.Length <= 60, line));
    }
}
