using System.Text.Json.Nodes;
using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Testing;
using LowRank.Training.Tests;

namespace LowRank.Cli.Tests;

public sealed class ExportTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_model_becomes_a_gguf_with_a_modelfile_and_is_read_back()
    {
        var model = TinyModel.Narrow(TinyModel.Create(folder.At("model"))); // bf16, as a GGUF is read
        var result = await Tool.Run("export", "--model", model, "--type", "f32", "--output", folder.At("out/model.gguf"), "--modelfile", "--check");
        Assert.Equal(0, result.Code);
        Assert.Contains($"written to {folder.At("out/model.gguf")} (", result.Out, StringComparison.Ordinal);
        Assert.Matches(@"top-1 agreement: (\d+) of \1 tokens \(100\.0 %\)", result.Out);
        Assert.Contains("exporting: 100 %", result.Error, StringComparison.Ordinal);
        var modelfile = File.ReadAllText(folder.At("out/Modelfile"));
        Assert.StartsWith("FROM ./model.gguf\nTEMPLATE \"\"\"{{ range .Messages }}", modelfile, StringComparison.Ordinal);
        Assert.Contains("<|user|>{{ .Content }}<|end|>\n", modelfile, StringComparison.Ordinal);
        Assert.Contains("PARAMETER stop \"<|end|>\"", modelfile, StringComparison.Ordinal);
        Assert.Equal(["Modelfile", "model.gguf"], Directory.GetFileSystemEntries(folder.At("out")).Select(Path.GetFileName).Order(StringComparer.Ordinal));

        var inspected = await Tool.Run("inspect", folder.At("out/model.gguf"));
        Assert.Equal(0, inspected.Code);
        Assert.Contains("general.architecture", inspected.Out, StringComparison.Ordinal);
        Assert.Contains("llama", inspected.Out, StringComparison.Ordinal);
        Assert.Contains("smollm", inspected.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("q8_0", TensorType.Q8_0)]
    [InlineData("q4_0", TensorType.Q4_0)]
    [InlineData("q4_k_m", TensorType.Q5_0)]
    [InlineData("bf16", TensorType.BF16)]
    public async Task Every_type_is_written(string type, TensorType matrices)
    {
        var model = TinyModel.Create(folder.At("model"));
        var result = await Tool.Run("export", "--model", model, "--type", type, "--output", folder.At("model.gguf"));
        Assert.Equal(0, result.Code);
        using var file = GgufFile.Open(folder.At("model.gguf"));
        Assert.True(file.TryGet("blk.1.attn_q.weight", out var t));
        Assert.Equal(matrices, t.Type);
    }

    [Fact]
    public async Task A_width_that_the_type_does_not_allow_leaves_nothing()
    {
        var model = TinyModel.Create(folder.At("model"), hidden: 48);
        (await Tool.Run("export", "--model", model, "--type", "q8_0", "--output", folder.At("out/model.gguf"))).AssertFails(1, "cannot be written as Q8_0", "rows of 48", "Nothing was written");
        Assert.False(Directory.Exists(folder.At("out")));
    }

    [Fact]
    public async Task An_adapter_is_written_alone()
    {
        var source = Golden.At("models", "lora", "llama-qv-r8");
        Assert.SkipUnless(Directory.Exists(source), "absent: models/lora/llama-qv-r8");
        var model = Golden.At("models", "llama-gqa");
        var result = await Tool.Run("export", "--model", model, "--adapter", source, "--adapter-only", "--output", folder.At("adapter.gguf"));
        Assert.Equal(0, result.Code);
        using var file = GgufFile.Open(folder.At("adapter.gguf"));
        Assert.Equal(("adapter", (float)LoraConfig.Load(source).Alpha), (file.Metadata["general.type"], file.Metadata["adapter.lora.alpha"]));
        Assert.True(file.TryGet("blk.0.attn_q.weight.lora_a", out _));
        Assert.Equal(0, (await Tool.Run("inspect", folder.At("adapter.gguf"))).Code);
    }

    [Fact]
    public async Task An_adapter_that_the_format_cannot_hold_is_refused_with_the_reason()
    {
        var source = Golden.At("models", "lora", "llama-qv-r8");
        Assert.SkipUnless(Directory.Exists(source), "absent: models/lora/llama-qv-r8");
        Directory.CreateDirectory(folder.At("dora"));
        foreach (var file in Directory.GetFiles(source, "adapter_*")) File.Copy(file, Path.Combine(folder.At("dora"), Path.GetFileName(file)));
        var config = JsonNode.Parse(File.ReadAllText(folder.At("dora/adapter_config.json")))!;
        config["use_dora"] = true;
        File.WriteAllText(folder.At("dora/adapter_config.json"), config.ToJsonString());
        (await Tool.Run("export", "--model", Golden.At("models", "llama-gqa"), "--adapter", folder.At("dora"), "--adapter-only", "--output", folder.At("x.gguf")))
            .AssertFails(1, "use_dora is true: DoRA's magnitudes", "Merge it into the model");
        Assert.False(File.Exists(folder.At("x.gguf")));
    }

    [Theory]
    [InlineData("Merge the adapter first", "--model", "m", "--adapter", "a", "--check")]
    [InlineData("Which model? --model MODEL")]
    [InlineData("--adapter-only needs the adapter", "--model", "m", "--adapter-only")]
    [InlineData("An adapter is written in F32", "--model", "m", "--adapter", "a", "--adapter-only", "--type", "q8_0")]
    [InlineData("--check compares models", "--model", "m", "--adapter", "a", "--adapter-only", "--check")]
    public async Task What_makes_no_sense_is_told(string message, params string[] arguments) =>
        (await Tool.Run(["export", "--output", folder.At("x.gguf"), .. arguments])).AssertFails(2, message);

    [Fact]
    public async Task The_model_itself_is_not_overwritten()
    {
        var model = TinyModel.Create(folder.At("model"));
        Assert.Equal(0, (await Tool.Run("export", "--model", model, "--output", folder.At("x.gguf"))).Code);
        (await Tool.Run("export", "--model", folder.At("x.gguf"), "--output", folder.At("x.gguf"))).AssertFails(1, "is the model itself");
        Assert.Equal(0, (await Tool.Run("export", "--model", folder.At("x.gguf"), "--type", "f16", "--output", folder.At("y.gguf"))).Code);
    }
}
