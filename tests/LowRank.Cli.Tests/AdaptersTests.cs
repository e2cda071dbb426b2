using System.Text.Json.Nodes;
using LowRank.Adapters;
using LowRank.Testing;
using LowRank.Training.Tests;

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
    public async Task The_difference_of_two_models_becomes_an_adapter()
    {
        var model = TinyModel.Create(folder.At("model"));
        TinyAdapter.Write(folder.At("adapter"));
        Assert.Equal(0, (await Tool.Run("merge", "--model", model, "--adapter", folder.At("adapter"), "--output", folder.At("tuned"), "--check", "false")).Code);
        string[] extract = ["adapters", "extract", "--base", model, "--tuned", folder.At("tuned")];
        var result = await Tool.Run([.. extract, "--rank", "4", "--output", folder.At("out"), "--json"]);
        Assert.True(result.Code == 0, result.Error);
        var json = JsonNode.Parse(result.Out)!;
        Assert.True(json["relative_error"]!.GetValue<double>() < 1e-5, result.Out);
        Assert.Equal((4, 10, 0), (json["modules"]!.AsArray().Count, json["unchanged"]!.GetValue<int>(), json["not_held"]!.AsArray().Count));
        Assert.Equal(["adapter_config.json", "adapter_model.safetensors", "lowrank.json"], Directory.GetFileSystemEntries(folder.At("out")).Select(Path.GetFileName).Order(StringComparer.Ordinal));

        var lower = await Tool.Run([.. extract, "--rank", "2", "--target", "qv", "--output", folder.At("lower")]);
        Assert.Equal(0, lower.Code);
        Assert.Matches(@"model\.layers\.1\.self_attn\.v_proj +2 +\d\.\d+e\+\d +\d+\.\d %", lower.Out);
        Assert.Matches(@"error in all +\d+\.\d %", lower.Out);
        (await Tool.Run([.. extract, "--rank", "2", "--output", folder.At("lower")])).AssertFails(1, "exists and is not empty");
        (await Tool.Run([.. extract, "--rank", "0", "--output", folder.At("none")])).AssertFails(2, "--rank must be at least 1");
        (await Tool.Run("adapters", "extract", "--base", model, "--tuned", model, "--rank", "2", "--output", folder.At("none"))).AssertFails(1, "there is nothing to extract");
        Assert.False(Directory.Exists(folder.At("none")));
    }

    [Fact]
    public async Task The_scaling_goes_into_the_matrices()
    {
        TinyAdapter.Write(folder.At("adapter"), new LoraConfig { Rank = 4, Alpha = 6, UseRslora = true, TargetModules = ["q_proj", "v_proj"] });
        var result = await Tool.Run("adapters", "portable", "--adapter", folder.At("adapter"), "--output", folder.At("out"), "--json");
        Assert.True(result.Code == 0, result.Error);
        var json = JsonNode.Parse(result.Out)!;
        Assert.Equal((4, 4, 4, 0), (json["modules"]!.GetValue<int>(), json["rank"]!.GetValue<int>(), json["scaled"]!.GetValue<int>(), json["padded"]!.GetValue<int>()));
        var config = LoraConfig.Load(folder.At("out"));
        Assert.Equal((4, 4.0, false), (config.Rank, config.Alpha, config.UseRslora));
        (await Tool.Run("adapters", "portable", "--adapter", folder.At("nowhere"), "--output", folder.At("none"))).AssertFails(1, "nowhere does not exist");
    }

    [Theory, InlineData("combine"), InlineData("extract"), InlineData("portable")]
    public async Task Help_has_an_example(string verb)
    {
        var result = await Tool.Run(["adapters", verb, "--help"], "", columns: 60);
        Assert.Equal(0, result.Code);
        Assert.Contains($"lowrank adapters {verb} --", result.Out, StringComparison.Ordinal);
        Assert.All(result.Out.Split('\n'), line => Assert.True(line.Length <= 60, line));
    }
}
