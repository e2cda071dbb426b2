using System.Security.Cryptography;
using System.Text.Json;
using LowRank.Formats;
using LowRank.Models.Checkpoints;
using LowRank.Testing;

namespace LowRank.Models.Tests.Checkpoints;

public sealed class GgufConverterTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    public static IEnumerable<TheoryDataRow<string>> References => Golden.Cases("gguf/convert", "smollm2", "reference.json");

    // Reference: the folder that transformers 5.23 saved from the same GGUF.
    [Theory, MemberData(nameof(References)), Trait("Category", "RealModel")]
    public void The_real_model_becomes_the_folder_of_transformers(string name)
    {
        using var reference = JsonDocument.Parse(File.ReadAllBytes(Golden.At("smollm2", name + ".json")));
        var target = Path.Combine(folder, "out");
        long last = 0;
        GgufConverter.Convert(RealModels.Require(RealModels.SmolLM2), target, (done, all) => Assert.InRange(last = done, 1, all));
        Assert.Equal(134_515_008, last);
        Assert.Equal(reference.RootElement.GetProperty("weights_sha256").GetString(), Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(target, "model.safetensors")))));
        using var config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(target, "config.json")));
        Assert.Equal((576, 30, 9, 3, 49152), (Field("hidden_size"), Field("num_hidden_layers"), Field("num_attention_heads"), Field("num_key_value_heads"), Field("vocab_size")));
        Assert.Equal("bfloat16", config.RootElement.GetProperty("torch_dtype").GetString());
        Assert.Equal(["chat_template.jinja", "config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"],
            Directory.GetFileSystemEntries(target).Select(p => Path.GetFileName(p)).Order(StringComparer.Ordinal));
        Assert.Equal(File.ReadAllText(Golden.At("tokenizers", "smollm2", "chat_template.jinja")), File.ReadAllText(Path.Combine(target, "chat_template.jinja")));
        AssertSame("generation_config.json", "bos_token_id", "eos_token_id", "pad_token_id");
        AssertSame("tokenizer_config.json", "bos_token", "eos_token", "pad_token", "unk_token");

        void AssertSame(string file, params string[] fields)
        {
            using var want = JsonDocument.Parse(File.ReadAllBytes(Golden.At("tokenizers", "smollm2", file)));
            using var got = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(target, file)));
            foreach (var field in fields) Assert.True(JsonElement.DeepEquals(want.RootElement.GetProperty(field), got.RootElement.GetProperty(field)), $"{file}: {field}");
        }
        int Field(string field) => config.RootElement.GetProperty(field).GetInt32();
    }

    [Fact, Trait("Category", "RealModel")]
    public void A_cancelled_conversion_leaves_nothing()
    {
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => GgufConverter.Convert(RealModels.Require(RealModels.SmolLM2), Path.Combine(folder, "out"), (done, all) => stop.Cancel(), stop.Token));
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    [Fact]
    public void Wrong_input_leaves_nothing()
    {
        var path = Path.Combine(folder, "x.gguf");
        File.WriteAllText(path, "this is no GGUF file at all");
        Assert.Throws<GgufException>(() => GgufConverter.Convert(path, Path.Combine(folder, "out")));
        Assert.Equal([path], Directory.GetFileSystemEntries(folder));
    }
}
