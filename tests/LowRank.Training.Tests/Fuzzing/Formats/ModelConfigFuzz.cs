using System.Text.Json;
using LowRank.Models.Checkpoints;
using LowRank.Models.Families;
using LowRank.Training.Planning.Shapes;
using LowRank.Training.Planning.Sources;
using LowRank.Training.Tests.Fuzzing.Mutation;

namespace LowRank.Training.Tests.Fuzzing.Formats;

/// <summary>config.json of every family, read and planned. Past the header when it is a JSON object.</summary>
internal sealed class ModelConfigFuzz() : FuzzFormat("model-config")
{
    private static readonly Lazy<JsonElement[]> files = new(() =>
    [
        .. SoundFiles.Json(SoundFiles.Below("models", ".json", SearchOption.AllDirectories).Where(f => Path.GetFileName(f).StartsWith("config", StringComparison.Ordinal))),
        .. KnownModel.All.Select(m => JsonElement.Parse(m.Config.Json.ToJsonString())).DistinctBy(j => j.GetProperty("model_type").GetString()),
        JsonElement.Parse("""{"model_type":"llama","vocab_size":64,"hidden_size":32,"intermediate_size":64,"num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,"rms_norm_eps":1e-5,"eos_token_id":[1,2],"quantization_config":{"quant_method":"bitsandbytes","load_in_4bit":true,"bnb_4bit_quant_type":"nf4"},"rope_scaling":{"rope_type":"llama3","factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":64},"max_position_embeddings":128}"""),
    ]);

    public override byte[] Make(FuzzRandom random)
    {
        var sketch = JsonSketch.Of(random.Pick(files.Value));
        // The model type decides everything; with another one the rest would mostly not be looked at.
        var type = sketch["model_type"]?.Raw;
        JsonMutator.Damage(sketch, random);
        if (type is not null && !random.OneIn(5) && sketch["model_type"] is { } changed) changed.Become(JsonSketch.Scalar(type));
        var bytes = System.Text.Encoding.UTF8.GetBytes(sketch.Write());
        return random.OneIn(10) ? ByteMutator.Damage(bytes, random) : bytes;
    }

    public override void Read(FuzzInput input)
    {
        if (SoundFiles.IsObject(input.Bytes)) input.PassHeader();
        var config = ModelConfig.Load(input.Write("config.json"));
        QuantizationConfig.IsFourBit(config);
        ModelFamilies.Of(config).Read(config);
        var shape = ModelShape.Read(config);
        Assert.True(shape.Parameters > 0, $"{shape.Parameters} parameters");
        AdapterShape.Of(shape, 8, "all-linear");
    }
}
