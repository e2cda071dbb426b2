using LowRank.Autograd;
using LowRank.Kernels.Cpu;
using LowRank.Kernels.Cpu.Gemm;
using LowRank.Layers;
using LowRank.Quantization;
using LowRank.Runtime.Interop;
using LowRank.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Tests.Autograd;

/// <summary>Nodes with kernels of their own against the same formulas by libtorch's operations in fp64: results and every gradient.</summary>
[Collection(nameof(NativeTensors))]
public sealed class FusedNodeTests
{
    // Of the largest value of a tensor: a sum of n fp32 numbers differs from the exact one by about √n roundings of 6e-8 of it; the largest n here is some hundreds.
    private const double Tolerance = 2e-6;

    [Theory]
    [InlineData(3, 64), InlineData(70, 576), InlineData(1, 5), InlineData(33, 37)]
    public void Rms_norm(int rows, int features)
    {
        using var scope = NewDisposeScope();
        var x = Random(1, 2, rows, features);
        var w = Random(2, features);
        var g = Random(3, 2, rows, features);
        Compare([x, w], g, t => RmsNormNode.Apply(t[0], t[1], 1e-5, roundFirst: false), t => t[0] * rsqrt((t[0] * t[0]).mean([-1], keepdim: true) + 1e-5) * t[1], Tolerance);
    }

    [Theory]
    [InlineData(false, 1003), InlineData(true, 1003), InlineData(false, 70_000), InlineData(true, 5)]
    public void Gated_activation(bool gelu, int count)
    {
        using var scope = NewDisposeScope();
        var gate = Random(1, count) * 3;
        var up = Random(2, count);
        var g = Random(3, count);
        // The node writes over what it is given: results of operations, as in the decoder, not leaves.
        Compare([gate, up], g, t => GatedActivationNode.Apply(t[0] + 0, t[1] + 0, gelu),
            t => (gelu ? nn.functional.gelu(t[0], TorchSharp.Modules.GELU.Approximate.tanh) : nn.functional.silu(t[0])) * t[1], Tolerance);
    }

    [Fact]
    public void A_gated_activation_without_a_graph_takes_the_place_of_its_input()
    {
        using var scope = NewDisposeScope();
        var (gate, up) = (Random(1, 40), Random(2, 40));
        var want = nn.functional.silu(gate) * up;
        using var noGrad = no_grad();
        Near.All(Floats(want), Floats(GatedActivationNode.Apply(gate, up, gelu: false)), Tolerance, "y");
    }

    [Theory]
    [InlineData(1, 1, 2, 2, 8, null, 0), InlineData(2, 64, 4, 2, 16, null, 0), InlineData(2, 65, 3, 1, 24, null, 0), InlineData(1, 200, 6, 2, 64, null, 0)]
    [InlineData(2, 150, 4, 4, 16, 40, 0), InlineData(1, 90, 2, 1, 16, null, 20), InlineData(1, 131, 2, 1, 40, 64, 30), InlineData(2, 3, 4, 2, 10, 2, 0)]
    public void Attention(int batch, int length, int heads, int keyValueHeads, int size, int? window, int softCap)
    {
        using var scope = NewDisposeScope();
        var first = Enumerable.Range(0, batch * length).Select(i => window is { } w ? Math.Max(0, i % length - w + 1) : 0).ToArray();
        CompareAttention(new(batch, length, heads, keyValueHeads, size, 0.3f, softCap), first, size / 2);
    }

    [Fact]
    public void Attention_of_packed_sequences_with_a_part_of_each_head_rotated()
    {
        using var scope = NewDisposeScope();
        const int length = 140;
        // Sequences that begin at 0, 10, 64 and 130; the second row is one sequence.
        var first = Enumerable.Range(0, 2 * length).Select(i => i >= length ? 0 : i >= 130 ? 130 : i >= 64 ? 64 : i >= 10 ? 10 : 0).ToArray();
        CompareAttention(new(2, length, 4, 2, 16, 0.25f, 0), first, half: 4);
    }

    // Each piece begins at a place and goes on after places that an earlier one holds. The first row has pieces shorter and longer than a block of queries, two that share all of an earlier one or
    // its end's vicinity, and one that shares none; the second shares nothing, and what the last row shares is far away.
    [Theory]
    [InlineData(0, 0), InlineData(20, 0), InlineData(0, 17)]
    public void Attention_of_sequences_that_share_what_they_begin_with(int softCap, int window)
    {
        using var scope = NewDisposeScope();
        const int length = 230;
        (int Start, int From, int To)[][] rows = [[(0, 0, 0), (70, 0, 30), (74, 0, 70), (110, 0, 65), (200, 0, 0), (215, 200, 209)], [(0, 0, 0)], [(0, 0, 0), (9, 0, 0), (20, 0, 9), (215, 9, 20)]];
        var (first, from, to) = (new int[rows.Length * length], new int[rows.Length * length], new int[rows.Length * length]);
        for (var i = 0; i < first.Length; i++)
        {
            var t = i % length;
            var piece = rows[i / length].Last(p => p.Start <= t);
            var position = piece.To - piece.From + t - piece.Start;
            first[i] = window == 0 ? piece.Start : Math.Max(piece.Start, t - window + 1);
            (from[i], to[i]) = (window == 0 ? piece.From : Math.Min(piece.To, piece.From + Math.Max(0, position - window + 1)), piece.To);
        }
        CompareAttention(new(rows.Length, length, 4, 2, 16, 0.25f, softCap), new SeenKeys(first, from, to), half: 8);
    }

    [Fact]
    public void Attention_does_not_depend_on_the_number_of_threads()
    {
        var shape = new AttentionShape(2, 150, 4, 2, 16, 0.25f, 0);
        var before = get_num_threads();
        float[][] results = [];
        try
        {
            foreach (var threads in new[] { 1, 2, 3 })
            {
                set_num_threads(threads);
                using var scope = NewDisposeScope();
                var q = Random(1, 2, 150, 64).requires_grad_(true);
                var y = AttentionNode.Apply(q + 0, Random(2, 2, 150, 32), Random(3, 2, 150, 32), ones(2, 1, 150, 8), zeros(2, 1, 150, 8), new(new int[300]), shape);
                BackwardPass.Run(y, Random(4, 2, 150, 64));
                results = [.. results, Floats(y), Floats(q.grad!)];
            }
        }
        finally
        {
            set_num_threads(before);
        }
        for (var i = 2; i < results.Length; i++) Assert.Equal(results[i % 2], results[i]);
    }

    [Fact]
    public void Attention_without_the_direct_exports_is_the_same()
    {
        using var off = NativeInterop.SwitchOff();
        Attention(2, 65, 3, 1, 24, 30, 0);
    }

    [Theory]
    [InlineData(0.5, true), InlineData(1, false), InlineData(2, false)]
    public void Lora_linear(double scale, bool hasBias)
    {
        using var scope = NewDisposeScope();
        var w = Random(5, 48, 40);
        using var frozen = new DenseWeight(w.clone());
        var bias = hasBias ? Random(6, 48) : null;
        Compare([Random(1, 2, 17, 40), Random(2, 4, 40), Random(3, 48, 4)], Random(4, 2, 17, 48), t => LinearPartsNode.Apply(t[0], new LinearPart(frozen, bias, t[1], t[2], scale))[0],
            t => t[0].matmul(w.to(ScalarType.Float64).t()) + t[0].matmul(t[1].t()).matmul(t[2].t()) * scale + (bias is null ? 0 : bias.to(ScalarType.Float64)), 4 * Tolerance);
    }

    [Theory]
    [InlineData(false), InlineData(true)]
    public void Layers_that_share_an_input(bool bf16)
    {
        using var scope = NewDisposeScope();
        var type = bf16 ? ScalarType.BFloat16 : ScalarType.Float32;
        Tensor[] w = [Random(5, 48, 40).to(type), Random(6, 16, 40).to(type), Random(7, 16, 40).to(type)];
        using var first = new DenseWeight(w[0].clone());
        using var second = new DenseWeight(w[1].clone());
        using var third = new DenseWeight(w[2].clone());
        var bias = Random(8, 16);
        Tensor Wide(int i) => w[i].to(ScalarType.Float64).t();
        // Ranks differ, and the layer in the middle has no update.
        Compare([Random(1, 2, 17, 40), Random(2, 4, 40), Random(3, 48, 4), Random(9, 2, 40), Random(10, 16, 2)], Random(4, 2, 17, 80),
            t => cat(LinearPartsNode.Apply(t[0], new LinearPart(first, null, t[1], t[2], 0.5), new LinearPart(second, bias), new LinearPart(third, null, t[3], t[4], 2)), -1),
            t => cat([t[0].matmul(Wide(0)) + t[0].matmul(t[1].t()).matmul(t[2].t()) * 0.5, t[0].matmul(Wide(1)) + bias.to(ScalarType.Float64), t[0].matmul(Wide(2)) + t[0].matmul(t[3].t()).matmul(t[4].t()) * 2], -1), 4 * Tolerance);
        // Only one of the outputs is used.
        Compare([Random(1, 17, 40), Random(2, 4, 40), Random(3, 48, 4), Random(9, 2, 40), Random(10, 16, 2)], Random(4, 17, 16),
            t => LinearPartsNode.Apply(t[0], new LinearPart(first, null, t[1], t[2], 0.5), new LinearPart(third, null, t[3], t[4], 2))[1],
            t => t[0].matmul(Wide(2)) + t[0].matmul(t[3].t()).matmul(t[4].t()) * 2 + t[1].sum() * 0 + t[2].sum() * 0, 4 * Tolerance);
    }

    [Fact]
    public void A_lora_over_an_input_that_needs_no_gradient_has_those_of_its_matrices()
    {
        using var scope = NewDisposeScope();
        using var frozen = new DenseWeight(Random(5, 6, 5));
        var (x, a, b) = (Random(1, 3, 5), Random(2, 2, 5).requires_grad_(true), Random(3, 6, 2).requires_grad_(true));
        BackwardPass.Run(LinearPartsNode.Apply(x, new LinearPart(frozen, null, a, b))[0], ones(3, 6));
        Assert.Null(x.grad);
        Near.All(Floats(ones(6, 3).mm(x).mm(a.detach().t())), Floats(b.grad!), Tolerance, "dB");
    }

    [Fact]
    public void Dropped_graphs_and_many_steps_leave_no_block_behind()
    {
        var lent = LowRank.Runtime.Memory.BlockPool.LentBytes;
        var alive = AutogradNode.Alive;
        using var frozen = new DenseWeight(Random(5, 256, 256));
        for (var i = 0; i < 20; i++)
        {
            using var scope = NewDisposeScope();
            var a = Random(1, 4, 256).requires_grad_(true);
            var x = RmsNormNode.Apply(Random(2, 1, 128, 256), ones(256), 1e-6, roundFirst: false);
            var q = LinearPartsNode.Apply(x, new LinearPart(frozen, null, a, Random(3, 256, 4)))[0];
            var y = AttentionNode.Apply(q, x + 0, x + 0, ones(1, 1, 128, 32), zeros(1, 1, 128, 32), new(new int[128]), new(1, 128, 4, 4, 64, 0.1f, 0));
            y = GatedActivationNode.Apply(y, x + 0, gelu: false);
            if (i % 2 == 0) BackwardPass.Run(y, ones_like(y));
        }
        NativeTensors.Collect();
        Assert.Equal(alive, AutogradNode.Alive);
        Assert.Equal(lent, LowRank.Runtime.Memory.BlockPool.LentBytes);
    }

    private static void CompareAttention(AttentionShape shape, int[] first, int half) => CompareAttention(shape, new SeenKeys(first), half);

    private static void CompareAttention(AttentionShape shape, SeenKeys seen, int half)
    {
        var (queries, keys) = (shape.Heads * shape.HeadSize, shape.KeyValueHeads * shape.HeadSize);
        var angles = Random(7, shape.Batch, 1, shape.Length, half);
        var (cos, sin) = (angles.cos(), angles.sin());
        using var mask = zeros(shape.Batch, 1, shape.Length, shape.Length, ScalarType.Float64);
        for (var b = 0; b < shape.Batch; b++)
            for (var i = 0; i < shape.Length; i++)
                for (var (j, at) = (0, b * shape.Length + i); j < shape.Length; j++)
                    if ((j > i || j < seen.First[at]) && (seen.SharedStart is null || j < seen.SharedStart[at] || j >= seen.SharedEnd![at])) mask[b, 0, i, j] = double.NegativeInfinity;

        Tensor Heads(Tensor t, int count) => t.view(shape.Batch, shape.Length, count, shape.HeadSize).transpose(1, 2);
        Tensor Rotated(Tensor t)
        {
            var (c, s) = (cos.to(ScalarType.Float64), sin.to(ScalarType.Float64));
            var (a, b, rest) = (t.narrow(-1, 0, half), t.narrow(-1, half, half), t.narrow(-1, 2 * half, shape.HeadSize - 2 * half));
            return cat([a * c - b * s, b * c + a * s, rest], -1);
        }
        Tensor Plain(Tensor[] t)
        {
            var q = Rotated(Heads(t[0], shape.Heads));
            var k = Rotated(Heads(t[1], shape.KeyValueHeads)).repeat_interleave(shape.Group, 1);
            var v = Heads(t[2], shape.KeyValueHeads).repeat_interleave(shape.Group, 1);
            var scores = q.matmul(k.transpose(-1, -2)) * shape.Scale;
            if (shape.SoftCap != 0) scores = (scores / shape.SoftCap).tanh() * shape.SoftCap;
            return nn.functional.softmax(scores + mask, -1).matmul(v).transpose(1, 2).reshape(shape.Batch, shape.Length, queries);
        }
        Compare([Random(1, shape.Batch, shape.Length, queries), Random(2, shape.Batch, shape.Length, keys), Random(3, shape.Batch, shape.Length, keys)],
            Random(4, shape.Batch, shape.Length, queries), t => AttentionNode.Apply(t[0] + 0, t[1] + 0, t[2] + 0, cos, sin, seen, shape), Plain, 4 * Tolerance);
    }

    // By the own products and by the library's.
    private static void Compare(Tensor[] inputs, Tensor gradient, Func<Tensor[], Tensor> node, Func<Tensor[], Tensor> plain, double tolerance)
    {
        foreach (var own in new[] { true, false })
        {
            using var choice = GemmChoice.Use(own);
            CompareOnce(inputs, gradient, node, plain, tolerance);
        }
    }

    private static void CompareOnce(Tensor[] inputs, Tensor gradient, Func<Tensor[], Tensor> node, Func<Tensor[], Tensor> plain, double tolerance)
    {
        Tensor[] fast = [.. inputs.Select(t => t.detach().clone().requires_grad_(true))];
        Tensor[] exact = [.. inputs.Select(t => t.detach().to(ScalarType.Float64).clone().requires_grad_(true))];
        var (got, want) = (node(fast), plain(exact));
        NearOfLargest(want, got, tolerance, "y");
        BackwardPass.Run(got, gradient.clone());
        want.backward([gradient.to(ScalarType.Float64)]);
        for (var i = 0; i < inputs.Length; i++) NearOfLargest(exact[i].grad!, fast[i].grad ?? zeros_like(fast[i]), tolerance, $"gradient of input {i}");
    }

    private static void NearOfLargest(Tensor want, Tensor got, double tolerance, string what)
    {
        var values = Floats(want);
        Near.All(values, Floats(got), tolerance * Math.Max(1, values.Max(Math.Abs)), what);
    }

    private static Tensor Random(int seed, params long[] shape)
    {
        using var generator = new Generator((ulong)seed, CPU);
        return randn(shape, generator: generator);
    }

    private static float[] Floats(Tensor t) => t.detach().to(ScalarType.Float32).contiguous().data<float>().ToArray();
}
