using System.Text.Json.Nodes;
using LowRank.Models.Checkpoints;
using LowRank.Models.Decoder;
using LowRank.Models.Families;
using LowRank.Models.Generation;
using LowRank.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Tests.Generation;

/// <summary>Rows that grow over a cache against each row alone, computed anew as a whole: across the original context of longrope too, where all keys change.</summary>
public sealed class DecodingBatchTests
{
    // Sums of some dozen products in another order, through two layers, of logits near 1.
    private const double Tolerance = 2e-5;
    private const int ShortContext = 16;

    private static LanguageModel Phi3() => RandomModel.Create("phi3", new ModelConfig(JsonNode.Parse($$"""
        {"model_type": "phi3", "vocab_size": 96, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
         "max_position_embeddings": 64, "original_max_position_embeddings": {{ShortContext}}, "rope_scaling": {"type": "longrope", "short_factor": [1.0, 1.2, 1.5, 2.0], "long_factor": [2.0, 5.0, 9.0, 14.0]}
        }
        """)!.AsObject(), "phi3"), new ModelLoadOptions());

    [Theory]
    [InlineData(new[] { 12, 14 })] // both cross, at different steps
    [InlineData(new[] { 10, 24 })] // one is beyond from the start
    [InlineData(new[] { 20, 22 })] // both are, and share their beginning
    public void Rows_across_the_short_context_equal_those_computed_as_a_whole(int[] lengths)
    {
        using var model = Phi3();
        var rows = lengths.Select(n => Enumerable.Range(0, n).Select(i => (i * 7 + 3) % 90).ToList()).ToList();
        using var batch = DecodingBatch.Prefill(model.Decoder, [.. rows.Select(r => r.ToArray())], 8);
        for (var step = 0; step < 8; step++)
        {
            for (var row = 0; row < rows.Count; row++) Near.All(Whole(model.Decoder, rows[row]), batch.Logits(row).ToArray(), Tolerance, $"row {row} of {rows[row].Count} tokens");
            var next = rows.Select((_, row) => (step * 11 + row * 5) % 90).ToArray();
            batch.Append([.. next.Select(n => (ReadOnlyMemory<int>)new[] { n })]);
            for (var row = 0; row < rows.Count; row++) rows[row].Add(next[row]);
        }
    }

    [Fact]
    public void A_row_that_comes_back_into_the_short_context_is_computed_anew()
    {
        using var model = Phi3();
        var tokens = Enumerable.Range(0, 20).Select(i => (i * 7 + 3) % 90).ToList();
        using var batch = DecodingBatch.Prefill(model.Decoder, [tokens.ToArray()], 8);
        batch.Truncate(10);
        batch.Append([new[] { 5 }]);
        Near.All(Whole(model.Decoder, [.. tokens.Take(10), 5]), batch.Logits(0).ToArray(), Tolerance, "11 tokens");
    }

    [Fact]
    public void The_frequencies_matter()
    {
        using var model = Phi3();
        var tokens = Enumerable.Range(0, ShortContext + 1).Select(i => (i * 7 + 3) % 90).ToList();
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var input = DecoderInput.Padded([.. tokens.Select(t => (long)t)], 1);
        using var shorter = DecoderInput.Padded([.. tokens.Take(ShortContext).Select(t => (long)t)], 1);
        var (all, within) = (model.Decoder.Hidden(input)[0, ShortContext - 1], model.Decoder.Hidden(shorter)[0, ShortContext - 1]);
        Assert.True((all - within).abs().max().item<float>() > 1e-3);
    }

    private static float[] Whole(CausalLM model, IReadOnlyList<int> tokens)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var input = DecoderInput.Padded([.. tokens.Select(t => (long)t)], 1);
        return model.Logits(model.Hidden(input)[0, tokens.Count - 1].unsqueeze(0)).data<float>().ToArray();
    }
}
