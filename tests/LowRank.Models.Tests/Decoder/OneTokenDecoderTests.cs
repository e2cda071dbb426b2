using System.Text.Json.Nodes;
using LowRank.Adapters;
using LowRank.Models.Checkpoints;
using LowRank.Models.Decoder;
using LowRank.Models.Families;
using LowRank.Quantization;
using LowRank.Runtime.Interop;
using LowRank.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Tests.Decoder;

/// <summary>New tokens through all layers at once against the same model operation by operation, over caches of rows with different lengths.</summary>
[Collection(nameof(NativeTensors))]
public sealed class OneTokenDecoderTests
{
    // Sums of some hundred products in another order, through two layers, of states near 1 to 10.
    private const double Tolerance = 5e-5;

    private static LanguageModel Create(string family, FourBitOptions? quantization = null) => RandomModel.Create(family, new ModelConfig(JsonNode.Parse($$"""
        {"model_type": "{{family}}", "vocab_size": 96, "hidden_size": 64, "intermediate_size": 192, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
         "max_position_embeddings": 256, "tie_word_embeddings": true, "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0, "sliding_window": 8, "query_pre_attn_scalar": 16, "sliding_window_pattern": 2, "no_rope_layer_interval": 2, "hidden_act": "{{(family.StartsWith("gemma", StringComparison.Ordinal) ? "gelu_pytorch_tanh" : "silu")}}"}
        """)!.AsObject(), family), new ModelLoadOptions { Quantization = quantization });

    public static MatrixTheoryData<string, bool, bool> Forms => new(["llama", "qwen2", "qwen3", "gemma2", "mistral", "gemma", "gemma3_text", "smollm3"], [false, true], [false, true]);

    // Biases of q, k and v; norms of heads; norms after blocks, caps and windows of some layers; windows of all; a rope for each kind of layer; layers without rope.
    [Theory, MemberData(nameof(Forms))]
    public void New_tokens_equal_those_of_the_operations(string family, bool fourBit, bool adapted)
    {
        using var model = Create(family, fourBit ? new FourBitOptions() : null);
        if (adapted) Adapt(model);
        foreach (var rows in new[] { 1, 3, 8 })
        {
            var (want, got) = (Decode(model.Decoder, rows, observed: true), Decode(model.Decoder, rows, observed: false));
            Near.All(want, got, Tolerance * Math.Max(1, want.Max(Math.Abs)), $"{rows} rows");
            Assert.NotEqual(want[0], want[^1]);
        }
    }

    // What sets a family apart decides, not what its layers happen to look like.
    [Theory]
    [InlineData("olmo2"), InlineData("granite"), InlineData("stablelm"), InlineData("starcoder2"), InlineData("phi3"), InlineData("mixtral"), InlineData("qwen3_moe")]
    public void Families_of_another_form_go_through_the_operations(string family)
    {
        var config = new ModelConfig(JsonNode.Parse($$"""
            {"model_type": "{{family}}", "vocab_size": 96, "hidden_size": 64, "intermediate_size": 192, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
             "max_position_embeddings": 256, "residual_multiplier": 0.5, "num_local_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 64}
            """)!.AsObject(), family);
        using var model = RandomModel.Create(family, config, new ModelLoadOptions());
        Assert.False(OneTokenDecoder.Serves(model.Decoder.Spec));
        Assert.Null(OneTokenDecoder.Of(model.Decoder));
        Assert.NotEmpty(Decode(model.Decoder, 3, observed: false));
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Results_do_not_depend_on_the_number_of_threads(bool fourBit)
    {
        using var model = Create("qwen3", fourBit ? new FourBitOptions() : null);
        Adapt(model);
        var threads = TorchThreads.Count;
        try
        {
            var results = new List<float[]>();
            foreach (var count in new[] { 1, 2, 3 })
            {
                TorchThreads.Count = count;
                results.Add(Decode(model.Decoder, 3, observed: false));
            }
            Assert.All(results, r => Assert.Equal(results[0], r));
        }
        finally
        {
            TorchThreads.Count = threads;
        }
    }

    [Fact]
    public void A_change_of_the_adapter_is_seen()
    {
        using var model = Create("llama");
        var plain = Decode(model.Decoder, 1, observed: false);
        Adapt(model);
        var adapted = Decode(model.Decoder, 1, observed: false);
        Assert.NotEqual(plain, adapted);
        using (model.Adapter!.Disable())
            Assert.Equal(plain, Decode(model.Decoder, 1, observed: false));
        Assert.Equal(adapted, Decode(model.Decoder, 1, observed: false));
        model.Detach();
        Assert.Equal(plain, Decode(model.Decoder, 1, observed: false));
    }

    [Fact]
    public void Nothing_of_a_token_stays_behind()
    {
        using var model = Create("gemma2", new FourBitOptions());
        Decode(model.Decoder, 3, observed: false);
        NativeTensors.Collect();
        var (before, lent) = (Tensor.TotalCount, LowRank.Runtime.Memory.BlockPool.LentBytes);
        for (var i = 0; i < 20; i++) Decode(model.Decoder, 3, observed: false);
        NativeTensors.Collect();
        Assert.Equal(before, Tensor.TotalCount);
        Assert.Equal(lent, LowRank.Runtime.Memory.BlockPool.LentBytes);
    }

    // Prompts of different lengths, then twelve tokens each: over the window, and past the first 16 places.
    private static float[] Decode(CausalLM model, int rows, bool observed)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var cache = new KvCache(model.Spec, rows, 40);
        var lengths = Enumerable.Range(0, rows).Select(row => 3 + row).ToArray();
        // All rows go through as the longest; what stands beyond a row's length is overwritten.
        var width = lengths.Max();
        using (var prompt = DecoderInput.Continued([.. Enumerable.Range(0, rows * width).Select(i => (long)(7 * i % 90))], [.. Enumerable.Range(0, rows * width).Select(i => (long)(i % width))], cache))
            model.Hidden(prompt).Dispose();
        var states = new List<float>();
        for (var step = 0; step < 12; step++)
        {
            using var input = DecoderInput.Continued([.. Enumerable.Range(0, rows).Select(row => (long)(11 * (step + row) % 90))], [.. lengths.Select(l => (long)(l + step))], cache);
            Assert.True(OneTokenDecoder.Handles(input));
            using var hidden = observed ? model.Hidden(input, (_, _) => { }) : model.Hidden(input);
            states.AddRange(hidden.data<float>().ToArray());
        }
        return [.. states];
    }

    private static void Adapt(LanguageModel model)
    {
        var adapter = model.Attach(new LoraConfig { Rank = 4, Alpha = 8, TargetModules = "all-linear" });
        using var noGrad = no_grad();
        using var generator = new Generator(3, CPU);
        foreach (var parameter in adapter.Parameters)
        {
            using var values = randn(parameter.Shape, generator: generator);
            using var small = values * 0.1;
            parameter.Set(small);
        }
    }
}
