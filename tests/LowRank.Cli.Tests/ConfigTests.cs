using System.Text.Json;
using LowRank.Testing;
using LowRank.Training.Tests;

namespace LowRank.Cli.Tests;

/// <summary>One file for a run, through the real program: printed, imported, described, repeated.</summary>
public sealed class ConfigTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task What_print_config_prints_is_a_file_that_prints_the_same()
    {
        var first = await Tool.Run("train", "--preset", "lecture", "--model", "m", "--alpha", "4", "--print-config");
        Assert.Equal((0, ""), (first.Code, first.Error));
        Assert.Contains("\nmethod: qlora                             # --preset lecture\n", first.Out, StringComparison.Ordinal);
        Assert.Contains("\ndata: ~                                   # missing: --data DATA\n", first.Out, StringComparison.Ordinal);
        var second = await Tool.Run("train", "--config", folder.Write("run.yaml", first.Out), "--print-config");
        static IEnumerable<string> Values(string text) => text.Split('\n').Select(l => l.Split("  #")[0].TrimEnd());
        Assert.Equal(Values(first.Out), Values(second.Out));
    }

    [Fact]
    public async Task A_mistyped_key_of_the_file_names_the_nearest() =>
        (await Tool.Run("train", "--config", folder.Write("run.yaml", "rank: 8\nlearning_rate: 1e-4\n"), "--print-config")).AssertFails(2, "run.yaml:2: learning_rate: there is no such setting; did you mean learning-rate?");

    [Fact]
    public async Task The_schema_is_json()
    {
        using var schema = JsonDocument.Parse((await Tool.Run("train", "--print-schema")).Out);
        Assert.Equal("http://json-schema.org/draft-07/schema#", schema.RootElement.GetProperty("$schema").GetString());
        Assert.Equal("integer", schema.RootElement.GetProperty("properties").GetProperty("rank").GetProperty("type").GetString());
    }

    [Fact]
    public async Task A_file_of_LLaMA_Factory_is_imported_and_trained_and_the_run_repeated()
    {
        var (model, data) = (TinyModel.Create(folder.At("model")), TinyModel.CreateData(folder.At("rows.jsonl")));
        var source = folder.Write("sft.yaml", $"model_name_or_path: {model}\nstage: sft\nfinetuning_type: lora\nlora_rank: 4\nlora_target: q_proj,v_proj\ndataset: identity,colours\ntemplate: llama3\ncutoff_len: 128\nval_size: 0.2\nper_device_train_batch_size: 4\nlearning_rate: 1.0e-2\nnum_train_epochs: 2.0\noutput_dir: {folder.At("out")}\nspark: 1\n");
        (await Tool.Run("import-config", source)).AssertFails(1, "sft.yaml:6: dataset", "--data FILE");

        folder.Write("lowrank.schema.json", "{}");
        var imported = await Tool.Run("import-config", source, "--data", data, "--output", folder.At("run.yaml"));
        Assert.True(imported.Code == 0, imported.Error);
        Assert.Contains("sft.yaml:14: spark: 1: not known to LowRank", imported.Error, StringComparison.Ordinal);
        Assert.StartsWith("# yaml-language-server: $schema=lowrank.schema.json\n", File.ReadAllText(folder.At("run.yaml")), StringComparison.Ordinal);
        (await Tool.Run("import-config", source, "--data", data, "--output", folder.At("run.yaml"))).AssertFails(1, "run.yaml exists");

        var trained = await Tool.Run("train", "--config", folder.At("run.yaml"), "--threads", "1");
        Assert.True(trained.Code == 0, trained.Error);
        var repeated = await Tool.Run("train", "--repeat", folder.At("out"), "--output", folder.At("again"));
        Assert.True(repeated.Code == 0, repeated.Error);
        Assert.Equal(File.ReadAllBytes(folder.At("out/adapter_model.safetensors")), File.ReadAllBytes(folder.At("again/adapter_model.safetensors")));

        File.AppendAllText(data, "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"}]}\n");
        (await Tool.Run("train", "--repeat", folder.At("out"), "--output", folder.At("third"))).AssertFails(1, "the data is not the same", "--force");
        (await Tool.Run("train", "--repeat", folder.At("out"), "--resume", folder.At("out"))).AssertFails(2, "give one of them");
        var shown = await Tool.Run("train", "--repeat", folder.At("out"), "--print-config");
        Assert.Contains($"\nrank: 4                                   # {folder.At("out/run.json")}\n", shown.Out, StringComparison.Ordinal);
    }
}
