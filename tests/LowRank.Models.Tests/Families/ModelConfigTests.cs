using LowRank.Models.Families;

namespace LowRank.Models.Tests.Families;

/// <summary>What is wrong in a config.json is told with its key: no division by what is zero, no number that is cut, no list of all layers there could be.</summary>
public sealed class ModelConfigTests : IDisposable
{
    private const string Sound = """{"model_type":"llama","vocab_size":64,"hidden_size":32,"intermediate_size":64,"num_hidden_layers":2,"num_attention_heads":4,"max_position_embeddings":64}""";
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void The_sound_one_is_read() => Assert.Equal(8, Read(Sound).HeadSize);

    [Theory]
    [InlineData("\"num_attention_heads\":4", "\"num_attention_heads\":0", "\"num_attention_heads\" is 0, expected a whole number from 1 to 65536")]
    [InlineData("\"num_attention_heads\":4", "\"num_attention_heads\":64", "\"head_dim\" is 0, expected a whole number from 1 to 65536")]
    [InlineData("\"num_hidden_layers\":2", "\"num_hidden_layers\":2147483648", "\"num_hidden_layers\" is 2147483648, expected a whole number from 1 to 10000")]
    [InlineData("\"num_hidden_layers\":2", "\"num_hidden_layers\":2000000000", "\"num_hidden_layers\" is 2000000000, expected")]
    [InlineData("\"vocab_size\":64", "\"vocab_size\":-1", "\"vocab_size\" is -1, expected a whole number from 1 to 16777216")]
    [InlineData("\"max_position_embeddings\":64", "\"max_position_embeddings\":64,\"eos_token_id\":[1,null]", "\"eos_token_id\" is [1,null], expected a token id or a list of them")]
    [InlineData("\"max_position_embeddings\":64", "\"max_position_embeddings\":64,\"rope_scaling\":{\"rope_type\":3}", "\"rope_type\" is 3, expected a string")]
    [InlineData("\"max_position_embeddings\":64", "\"max_position_embeddings\":64,\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":2,\"truncate\":1}", "\"truncate\" is 1, expected true or false")]
    [InlineData("\"max_position_embeddings\":64", "\"max_position_embeddings\":64,\"rope_theta\":1e999", "\"rope_theta\" is 1e999, expected a number")]
    [InlineData("\"max_position_embeddings\":64", "\"max_position_embeddings\":64,\"rope_scaling\":{\"rope_type\":\"llama3\",\"original_max_position_embeddings\":0}", "rope counts from 0 positions")]
    [InlineData("\"vocab_size\":64", "\"vocab_size\":64,\"vocab_size\":65", "not JSON. Duplicate property 'vocab_size'")]
    [InlineData("\"llama\"", "\"\\ud83d\"", "half a surrogate pair")]
    [InlineData("\"llama\"", "\"gemma3_text\",\"sliding_window_pattern\":0", "\"sliding_window_pattern\" is 0, expected")]
    [InlineData("\"llama\"", "\"smollm3\",\"no_rope_layer_interval\":0", "\"no_rope_layer_interval\" is 0, expected")]
    [InlineData("\"llama\"", "\"qwen3_moe\",\"decoder_sparse_step\":0", "\"decoder_sparse_step\" is 0, expected")]
    [InlineData("\"llama\"", "\"mixtral\",\"num_local_experts\":2147483647", "\"num_local_experts\" is 2147483647, expected a whole number from 1 to 50000")]
    public void What_is_wrong_is_told_with_its_key(string from, string to, string message)
    {
        var error = Assert.ThrowsAny<LowRankException>(() => Read(Sound.Replace(from, to, StringComparison.Ordinal)));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Contains("config.json", error.Message, StringComparison.Ordinal);
    }

    private LowRank.Models.Decoder.DecoderSpec Read(string json)
    {
        var path = Path.Combine(folder, "config.json");
        File.WriteAllText(path, json);
        var config = ModelConfig.Load(path);
        return ModelFamilies.Of(config).Read(config);
    }
}
