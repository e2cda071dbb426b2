using System.Text.Json.Nodes;
using LowRank.Formats;
using LowRank.Testing;
using LowRank.Training.Tests;

namespace LowRank.Cli.Tests;

public sealed class MergeTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory, InlineData("nf4"), InlineData("fp4")]
    public async Task Merged_weights_are_quantized_again(string form)
    {
        var (model, adapter) = (TinyModel.Create(folder.At("model")), TinyAdapter.Write(folder.At("adapter")));
        var result = await Tool.Run("merge", "--model", model, "--adapter", adapter, "--output", folder.At("packed"), "--quantize", form, "--json");
        Assert.True(result.Code == 0, result.Error);
        var json = JsonNode.Parse(result.Out)!;
        // What quantizing adds is shown, and is no rounding.
        Assert.True(json["kl"]!.GetValue<double>() > 1e-6 && json["largest_logit_difference"]!.GetValue<double>() > 1e-3, result.Out);
        Assert.Equal(new FileInfo(folder.At("packed/model.safetensors")).Length, json["bytes"]!.GetValue<long>());
        // Step by step it comes to the same bytes.
        Assert.Equal(0, (await Tool.Run("merge", "--model", model, "--adapter", adapter, "--output", folder.At("merged"), "--check", "false")).Code);
        Assert.Equal(0, (await Tool.Run("convert", folder.At("merged"), folder.At("converted"), "--to", form)).Code);
        foreach (var file in new[] { "model.safetensors", "config.json", "tokenizer.json" })
            Assert.Equal(File.ReadAllBytes(folder.At($"converted/{file}")), File.ReadAllBytes(folder.At($"packed/{file}")));
        using var written = SafetensorsFile.Open(folder.At("packed/model.safetensors"));
        Assert.True(written.TryGet($"model.layers.0.self_attn.q_proj.weight.quant_state.bitsandbytes__{form}", out _));
        // The merge beside it is gone.
        Assert.Equal(["adapter", "converted", "merged", "model", "packed"], Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task What_fails_leaves_nothing_beside()
    {
        var (model, adapter) = (TinyModel.Create(folder.At("model")), TinyAdapter.Write(folder.At("adapter")));
        File.WriteAllText(Path.Combine(Directory.CreateDirectory(folder.At("taken")).FullName, "mine"), "");
        (await Tool.Run("merge", "--model", model, "--adapter", adapter, "--output", folder.At("taken"), "--quantize", "nf4")).AssertFails(1, "exists and is not empty");
        (await Tool.Run("merge", "--model", TinyModel.Create(folder.At("wide"), hidden: 64), "--adapter", adapter, "--output", folder.At("out"), "--quantize", "nf4")).AssertFails(1, "the adapter does not fit the model");
        Assert.Equal(["mine"], Directory.GetFileSystemEntries(folder.At("taken")).Select(Path.GetFileName));
        Assert.Equal(["adapter", "model", "taken", "wide"], Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }
}
