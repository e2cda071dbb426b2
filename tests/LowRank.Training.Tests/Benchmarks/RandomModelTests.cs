using System.Text.Json.Nodes;
using LowRank.Models.Checkpoints;
using LowRank.Models.Decoder;
using LowRank.Models.Families;
using LowRank.Quantization;
using TorchSharp;

namespace LowRank.Training.Tests.Benchmarks;

/// <summary>Models of given sizes with random weights: every tensor that a family reads is there, and the same model comes twice.</summary>
public sealed class RandomModelTests
{
    // Biases of q, k and v; norms of heads; norms after blocks, caps and windows; a head of its own.
    [Theory, InlineData("llama", false), InlineData("qwen2", true), InlineData("qwen3", true), InlineData("gemma2", true), InlineData("mistral", false)]
    public void A_model_of_each_family_computes(string family, bool tied)
    {
        var config = new ModelConfig(JsonNode.Parse($$"""
            {"model_type": "{{family}}", "vocab_size": 96, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
             "max_position_embeddings": 64, "tie_word_embeddings": {{(tied ? "true" : "false")}}, "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0, "sliding_window": 8, "query_pre_attn_scalar": 16}
            """)!.AsObject(), family);
        using var model = RandomModel.Create(family, config, new ModelLoadOptions());
        using var again = RandomModel.Create(family, config, new ModelLoadOptions());
        using var packed = RandomModel.Create(family, config, new ModelLoadOptions { Quantization = new FourBitOptions() });
        Assert.Equal(model.Fingerprint, again.Fingerprint);
        Assert.NotNull(packed.Quantization);
        float[] values = Logits(model.Decoder), fourBit = Logits(packed.Decoder);
        Assert.Equal(values, Logits(again.Decoder));
        Assert.All(values, v => Assert.True(float.IsFinite(v)));
        Assert.NotEqual(values, fourBit);
        Assert.True(values.Max() > values.Min());
    }

    private static float[] Logits(CausalLM model)
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        using var input = DecoderInput.Padded([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], 1);
        return model.Logits(model.Hidden(input)).data<float>().ToArray();
    }
}
