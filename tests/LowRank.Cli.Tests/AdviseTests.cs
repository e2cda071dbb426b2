using System.Text.Json;
using LowRank.Testing;
using LowRank.Training.Tests;

namespace LowRank.Cli.Tests;

public sealed class AdviseTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Advice_is_written_read_and_trained_by()
    {
        var (model, data, file, output) = (TinyModel.Create(folder.At("model")), TinyModel.CreateData(folder.At("rows.jsonl")), folder.At("run.yaml"), folder.At("out"));
        var advised = await Tool.Run("advise", model, "--data", data, "--memory", "2GB", "--write", file);
        Assert.Equal((0, ""), (advised.Code, advised.Error));
        Assert.Contains($"lowrank train --config {file}", advised.Out, StringComparison.Ordinal);
        var trained = await Tool.Run("train", "--config", file, "--output", output, "--max-steps", "1");
        Assert.True(trained.Code == 0, trained.Error);
        Assert.True(File.Exists(Path.Combine(output, "adapter_model.safetensors")));
    }

    [Fact]
    public async Task It_reads_well_in_70_columns_and_comes_as_JSON()
    {
        var result = await Tool.Run(["advise", "llama-2-7b", "--examples", "2000", "--device", "t4"], "", columns: 70);
        Assert.Equal((0, ""), (result.Code, result.Error));
        Assert.All(result.Out.Split('\n'), line => Assert.True(line.Length <= 70, line));
        Assert.Contains("Where sources disagree", result.Out, StringComparison.Ordinal);
        using var json = JsonDocument.Parse((await Tool.Run("advise", "llama-2-7b", "--examples", "2000", "--device", "t4", "--json")).Out);
        Assert.Equal("qlora", json.RootElement.GetProperty("choices")[0].GetProperty("value").GetString());
        Assert.Equal(4, json.RootElement.GetProperty("disagreements").GetArrayLength());
    }

    [Fact]
    public async Task The_lectures_preset_trains()
    {
        var (model, data, output) = (TinyModel.Create(folder.At("model")), TinyModel.CreateData(folder.At("rows.jsonl")), folder.At("out"));
        var result = await Tool.Run("train", "--preset", "lecture", "--model", model, "--data", data, "--output", output, "--max-steps", "1");
        Assert.True(result.Code == 0, result.Error);
        using var config = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(output, "adapter_config.json"), TestContext.Current.CancellationToken));
        Assert.Equal((8, 8.0), (config.RootElement.GetProperty("r").GetInt32(), config.RootElement.GetProperty("lora_alpha").GetDouble()));
        Assert.Equal(["q_proj", "v_proj"], config.RootElement.GetProperty("target_modules").EnumerateArray().Select(t => t.GetString()!).Order());
    }

    [Fact]
    public async Task What_is_missing_is_said()
    {
        (await Tool.Run("advise", "llama-2-7b")).AssertFails(1, "--data FILE");
        (await Tool.Run("advise", "llama-2-7b", "--examples", "10", "--write", folder.At("x.yaml"))).AssertFails(1, "--write", "data file");
    }
}
