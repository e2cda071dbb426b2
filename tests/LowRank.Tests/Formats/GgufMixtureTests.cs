using LowRank.Formats;

namespace LowRank.Tests.Formats;

/// <summary>The rules of llama.cpp's converter and of its <c>llama-quantize</c>, by cases worked out by hand from their source.</summary>
public sealed class GgufMixtureTests
{
    // use_more_bits of 32 layers: the first 4, the last 4, and every third between, from 4 + 2 on.
    [Fact]
    public void Half_of_the_layers_of_Q4_K_M_get_more_bits()
    {
        var mixture = new GgufMixture(GgufFileType.Q4_K_M, 32, hasOutput: true, sharesValueHeads: true);
        int[] more = [0, 1, 2, 3, 6, 9, 12, 15, 18, 21, 24, 27, 28, 29, 30, 31];
        foreach (var module in new[] { "attn_v", "ffn_down", "attn_qkv" })
            Assert.Equal(more, Enumerable.Range(0, 32).Where(i => mixture.TypeOf($"blk.{i}.{module}.weight", [1024, 4096]) == TensorType.Q6_K));
        foreach (var module in new[] { "attn_q", "attn_k", "attn_output", "ffn_gate", "ffn_up" })
            Assert.All(Enumerable.Range(0, 32), i => Assert.Equal(TensorType.Q4_K, mixture.TypeOf($"blk.{i}.{module}.weight", [4096, 4096])));
        Assert.Equal(TensorType.Q6_K, mixture.TypeOf("output.weight", [32000, 4096]));
        Assert.Equal(TensorType.Q4_K, mixture.TypeOf("token_embd.weight", [32000, 4096]));
    }

    [Fact]
    public void A_tied_embedding_is_the_output_matrix()
    {
        foreach (var type in new[] { GgufFileType.Q4_0, GgufFileType.Q4_K_M })
            Assert.Equal(TensorType.Q6_K, new GgufMixture(type, 2, hasOutput: false, sharesValueHeads: false).TypeOf("token_embd.weight", [100, 512]));
    }

    // SmolLM2-135M: 576 is no multiple of 256, 1536 is.
    [Fact]
    public void Rows_that_do_not_divide_into_256_fall_back()
    {
        var mixture = new GgufMixture(GgufFileType.Q4_K_M, 30, hasOutput: false, sharesValueHeads: true);
        Assert.Equal(TensorType.Q8_0, mixture.TypeOf("token_embd.weight", [49152, 576]));
        Assert.Equal(TensorType.Q5_0, mixture.TypeOf("blk.3.attn_q.weight", [576, 576]));
        Assert.Equal((TensorType.Q8_0, TensorType.Q5_0), (mixture.TypeOf("blk.0.attn_v.weight", [192, 576]), mixture.TypeOf("blk.3.attn_v.weight", [192, 576])));
        Assert.Equal((TensorType.Q6_K, TensorType.Q4_K), (mixture.TypeOf("blk.0.ffn_down.weight", [576, 1536]), mixture.TypeOf("blk.3.ffn_down.weight", [576, 1536])));
        Assert.Equal(TensorType.Q8_0, new GgufMixture(GgufFileType.Q4_0, 30, hasOutput: false, sharesValueHeads: true).TypeOf("token_embd.weight", [49152, 576]));
    }

    [Fact]
    public void A_value_matrix_that_eight_heads_share_gets_five_bits_in_80_layers()
    {
        Assert.Equal(TensorType.Q5_K, new GgufMixture(GgufFileType.Q4_K_M, 80, hasOutput: true, sharesValueHeads: true).TypeOf("blk.10.attn_v.weight", [1024, 8192]));
        Assert.Equal(TensorType.Q4_K, new GgufMixture(GgufFileType.Q4_K_M, 80, hasOutput: true, sharesValueHeads: false).TypeOf("blk.10.attn_v.weight", [8192, 8192]));
    }

    [Theory]
    [InlineData(GgufFileType.F16)]
    [InlineData(GgufFileType.Q8_0)]
    [InlineData(GgufFileType.Q4_K_M)]
    public void Vectors_and_norms_stay_in_single_precision(GgufFileType type)
    {
        var mixture = new GgufMixture(type, 2, hasOutput: true, sharesValueHeads: false);
        Assert.Equal(TensorType.F32, mixture.TypeOf("blk.0.attn_norm.weight", [64]));
        Assert.Equal(TensorType.F32, mixture.TypeOf("blk.0.attn_q.bias", [64]));
        Assert.Equal(TensorType.F32, mixture.TypeOf("rope_freqs.weight", [8]));
    }

    [Theory]
    [InlineData(GgufFileType.Q8_0, "Q8_0")]
    [InlineData(GgufFileType.Q4_0, "Q4_0")]
    [InlineData(GgufFileType.Q4_K_M, "Q5_0")]
    public void Rows_that_do_not_divide_into_32_are_refused(GgufFileType type, string named)
    {
        var error = Assert.Throws<NotSupportedException>(() => new GgufMixture(type, 8, hasOutput: true, sharesValueHeads: false).TypeOf("blk.1.attn_k.weight", [16, 48]));
        Assert.Contains($"'blk.1.attn_k.weight' has rows of 48, no multiple of the 32 values in a block of {named}", error.Message, StringComparison.Ordinal);
    }
}
