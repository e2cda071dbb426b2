using System.Text.Json;
using LowRank.Formats;
using LowRank.Models.Checkpoints;
using LowRank.Models.Families;
using LowRank.Testing;
using LowRank.Training.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Tests.Goldens;

/// <summary>The real SmolLM2-135M-Instruct against transformers 5.23 in fp32: the loss of a text, token by token.</summary>
[Trait("Category", "RealModel")]
public sealed class SmolLM2ReferenceTests(ITestOutputHelper output)
{
    [Fact]
    public void The_loss_of_a_text_equals_that_of_transformers()
    {
        var path = RealModels.Require(RealModels.SmolLM2);
        var file = Golden.At("smollm2", "reference.json");
        Assert.SkipUnless(File.Exists(file), $"absent: {file}");
        using var json = JsonDocument.Parse(File.ReadAllBytes(file));
        var text = json.RootElement.GetProperty("text");
        var ids = text.GetProperty("ids").EnumerateArray().Select(n => n.GetInt64()).ToArray();
        using var scope = NewDisposeScope();
        using var checkpoint = GgufCheckpoint.Open(path);
        var config = new ModelConfig(checkpoint.Config, path);
        using var model = DecoderBuilder.Build(ModelFamilies.Of(config).Read(config), new WeightReader(checkpoint, path), ScalarType.Float32);
        var batch = LoraGoldenTests.BatchOf(ids, ids, 1);
        var loss = CausalLoss.Evaluate(model, batch) / batch.SupervisedTokens;
        output.WriteLine($"loss {loss:f7}; transformers {text.GetProperty("loss").GetDouble():f7} in fp32, {text.GetProperty("loss_f64").GetDouble():f7} in fp64");
        // Transformers' own fp32 lies 9e-6 from its fp64: rounding of a network with activations near 1e4. Twice that is the room.
        Assert.Equal(text.GetProperty("loss_f64").GetDouble(), loss, 2e-5);
    }
}
