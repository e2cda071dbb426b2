using BenchmarkDotNet.Attributes;
using LowRank.Autograd;
using LowRank.Kernels.Cpu;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Benchmarks;

/// <summary>The nodes of a decoder layer of SmolLM2-135M, forward and backward over 4 rows of 512 tokens, by LowRank's kernels and by libtorch's operators.</summary>
public class Nodes : IDisposable
{
    private const int Batch = 4, Length = 512, Hidden = 576, Inner = 1536, Heads = 9, KeyValueHeads = 3, HeadSize = 64;

    private readonly Tensor hidden = randn(Batch, Length, Hidden).requires_grad_(true);
    private readonly Tensor weight = ones(Hidden);
    private readonly Tensor gate = randn(Batch, Length, Inner).requires_grad_(true);
    private readonly Tensor up = randn(Batch, Length, Inner).requires_grad_(true);
    private readonly Tensor q = randn(Batch, Length, Heads * HeadSize).requires_grad_(true);
    private readonly Tensor k = randn(Batch, Length, KeyValueHeads * HeadSize).requires_grad_(true);
    private readonly Tensor v = randn(Batch, Length, KeyValueHeads * HeadSize).requires_grad_(true);
    private readonly Tensor cosine = ones(1, 1, Length, HeadSize / 2);
    private readonly Tensor sine = zeros(1, 1, Length, HeadSize / 2);
    private readonly SeenKeys seen = new(new int[Batch * Length]);

    /// <summary>Root-mean-square normalisation by the kernel.</summary>
    [Benchmark]
    public void RmsNorm() => Backward(RmsNormNode.Apply(hidden, weight, 1e-5, roundFirst: true));

    /// <summary>The same by operators.</summary>
    [Benchmark]
    public void RmsNormByOperators() => Backward(hidden * rsqrt((hidden * hidden).mean([-1], keepdim: true) + 1e-5) * weight);

    /// <summary>SwiGLU by the kernel; it writes over its inputs, so it is given copies.</summary>
    [Benchmark]
    public void SwiGlu() => Backward(GatedActivationNode.Apply(gate + 0, up + 0, gelu: false));

    /// <summary>The same by operators, with the same copies.</summary>
    [Benchmark]
    public void SwiGluByOperators() => Backward(nn.functional.silu(gate + 0) * (up + 0));

    /// <summary>Rope and causal attention by the kernel.</summary>
    [Benchmark]
    public void Attention() => Backward(AttentionNode.Apply(q + 0, k + 0, v + 0, cosine, sine, seen, new AttentionShape(Batch, Length, Heads, KeyValueHeads, HeadSize, 0.125f, 0)));

    /// <summary>Causal attention by libtorch, without rope.</summary>
    [Benchmark]
    public void AttentionByOperators()
    {
        using var scope = NewDisposeScope();
        Tensor Split(Tensor x, int heads) => x.view(Batch, Length, heads, HeadSize).transpose(1, 2);
        var (keys, values) = (Split(k, KeyValueHeads).repeat_interleave(Heads / KeyValueHeads, 1), Split(v, KeyValueHeads).repeat_interleave(Heads / KeyValueHeads, 1));
        Backward(nn.functional.scaled_dot_product_attention(Split(q, Heads), keys, values, is_casual: true));
    }

    private static void Backward(Tensor y)
    {
        using var scope = NewDisposeScope();
        using (y) BackwardPass.Run(y, ones_like(y));
    }

    /// <summary>Drops the gradients between iterations, or they would be added up.</summary>
    [IterationCleanup]
    public void Drop()
    {
        foreach (var leaf in new[] { hidden, gate, up, q, k, v }) leaf.grad = null;
    }

    /// <summary>Frees the tensors.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        foreach (var t in new[] { hidden, weight, gate, up, q, k, v, cosine, sine }) t.Dispose();
        GC.SuppressFinalize(this);
    }
}
