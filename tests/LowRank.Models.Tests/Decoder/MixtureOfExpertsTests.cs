using System.Text.Json.Nodes;
using LowRank.Layers;
using LowRank.Models.Checkpoints;
using LowRank.Models.Decoder;
using LowRank.Models.Families;
using LowRank.Quantization;
using LowRank.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Tests.Decoder;

/// <summary>Experts against a loop over tokens with plain products: outputs, gradients for the input and through the routing weights.</summary>
public sealed class MixtureOfExpertsTests
{
    // Sums of 64 products, twice, of values near 1.
    private const double Tolerance = 2e-5;

    private static LanguageModel Create(string family, FourBitOptions? quantization = null) => RandomModel.Create(family, new ModelConfig(JsonNode.Parse($$"""
        {"model_type": "{{family}}", "vocab_size": 96, "hidden_size": 64, "intermediate_size": 128, "moe_intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
         "head_dim": 16, "max_position_embeddings": 64, "num_local_experts": 6, "num_experts_per_tok": 3, "norm_topk_prob": false}
        """)!.AsObject(), family), new ModelLoadOptions { Quantization = quantization });

    [Theory]
    [InlineData("mixtral", false), InlineData("mixtral", true), InlineData("qwen3_moe", false), InlineData("qwen3_moe", true)]
    public void Outputs_and_gradients_equal_those_of_a_loop_over_tokens(string family, bool fourBit)
    {
        using var scope = NewDisposeScope();
        using var model = Create(family, fourBit ? new FourBitOptions() : null);
        var experts = Assert.IsType<MixtureOfExperts>(model.Decoder.Layers[0].Mlp);
        using var generator = new Generator(5, CPU);
        // Large enough that the random router prefers some experts clearly.
        var values = randn([2, 9, 64], generator: generator) * 4;
        var weights = randn([2, 9, 64], generator: generator);
        var (x, same) = (values.clone().requires_grad_(true), values.clone().requires_grad_(true));
        using var input = DecoderInput.Padded(new long[18], 2);
        var got = experts.Forward(x, model.Decoder.Begin(input));
        var want = Naive(experts, same, model.Decoder.Spec.Experts!);
        Near.All(Floats(want), Floats(got), Tolerance, "output");
        (got * weights).sum().backward();
        (want * weights).sum().backward();
        var gradient = Floats(same.grad!);
        Near.All(gradient, Floats(x.grad!), Tolerance * Math.Max(1, gradient.Max(Math.Abs)), "gradient of the input");
        Assert.Contains(gradient, g => g != 0);
    }

    [Fact]
    public void Matrices_of_experts_are_quantized_and_routers_are_not()
    {
        using var model = Create("qwen3_moe", new FourBitOptions());
        var byRole = model.Decoder.Slots.OfType<LinearSlot>().ToLookup(s => s.Role, s => ((FrozenLinear)s.Module).Weight is FourBitWeight);
        Assert.Equal(2 * 6 * 3, byRole[LinearRole.Expert].Count());
        Assert.All(byRole[LinearRole.Expert], Assert.True);
        Assert.Equal(2, byRole[LinearRole.Router].Count());
        Assert.All(byRole[LinearRole.Router], Assert.False);
    }

    // Each token alone through each of its experts, by operations that torch differentiates.
    private static Tensor Naive(MixtureOfExperts experts, Tensor x, ExpertsSpec spec)
    {
        Tensor Matrix(LinearSlot slot) => ((FrozenLinear)slot.Module).Weight.Dequantize(0, slot.Module.OutFeatures);
        var rows = x.reshape(-1, x.shape[^1]);
        var probabilities = nn.functional.softmax(nn.functional.linear(rows, Matrix(experts.Router)), -1);
        var outputs = new List<Tensor>();
        for (var token = 0L; token < rows.shape[0]; token++)
        {
            var likeliest = probabilities[token].detach().data<float>().ToArray().Select((p, i) => (p, i)).OrderByDescending(e => e.p).Take(spec.PerToken).Select(e => e.i).ToArray();
            var total = spec.NormalizesWeights ? likeliest.Select(e => probabilities[token, e]).Aggregate((a, b) => a + b) : ones(1);
            outputs.Add(likeliest.Select(e =>
            {
                var (gate, up, down) = (Matrix(experts.Experts[e].gate_proj), Matrix(experts.Experts[e].up_proj), Matrix(experts.Experts[e].down_proj));
                var one = rows.narrow(0, token, 1);
                return nn.functional.linear(nn.functional.silu(nn.functional.linear(one, gate)) * nn.functional.linear(one, up), down) * (probabilities[token, e] / total);
            }).Aggregate((a, b) => a + b));
        }
        return cat([.. outputs], 0).view(x.shape);
    }

    private static float[] Floats(Tensor t) => t.detach().contiguous().data<float>().ToArray();
}
