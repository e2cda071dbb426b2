using BenchmarkDotNet.Attributes;
using LowRank.Adapters.Dora;
using LowRank.Formats;
using LowRank.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Benchmarks;

/// <summary>
/// The lengths of the rows of <c>W + s B A</c> that DoRA takes in each step, for the seven weights of a decoder layer of SmolLM2-135M (30 of them) and of TinyLlama (22), rank 16:
/// by the identity, which makes no matrix of that size, and in the plain form, which makes it.
/// </summary>
public class DoraLengths : IDisposable
{
    private const int Rank = 16;
    private const double Scaling = 1;

    private readonly List<(FrozenWeight Weight, RowNorms Norms, Tensor A, Tensor B)> layers = [];

    /// <summary>Whose layer.</summary>
    [Params("SmolLM2", "TinyLlama")]
    public string Model { get; set; } = "";

    /// <summary>How the weights are stored.</summary>
    [Params("bf16", "nf4")]
    public string Form { get; set; } = "";

    /// <summary>Makes the operands; the lengths of the rows of W are taken here, once, as by an adapter.</summary>
    [GlobalSetup]
    public unsafe void Setup()
    {
        var (hidden, keys, inner) = Model == "SmolLM2" ? (576L, 192L, 1536L) : (2048L, 256L, 5632L);
        foreach (var (rows, columns) in new[] { (hidden, hidden), (keys, hidden), (keys, hidden), (hidden, hidden), (inner, hidden), (inner, hidden), (hidden, inner) })
        {
            using var narrow = randn(rows, columns).to(ScalarType.BFloat16);
            FrozenWeight weight = Form == "nf4" ? FourBitWeight.Quantize((byte*)Runtime.Interop.TensorMemory.DataPointer(narrow), TensorType.BF16, rows, columns, new(), "w") : new DenseWeight(narrow.clone());
            layers.Add((weight, new RowNorms(weight), randn(Rank, columns), randn(rows, Rank)));
        }
    }

    /// <summary>‖W‖² + 2 s ⟨W, B A⟩ + s² ‖B A‖².</summary>
    [Benchmark]
    public void Identity()
    {
        foreach (var layer in layers)
        {
            using var lengths = layer.Norms.Of(layer.A, layer.B, Scaling);
        }
    }

    /// <summary>‖W + s B A‖ of the matrix itself.</summary>
    [Benchmark(Baseline = true)]
    public void Plain()
    {
        using var noGrad = no_grad();
        foreach (var layer in layers)
        {
            using var scope = NewDisposeScope();
            layer.Weight.Dequantize(0, layer.Weight.OutFeatures).addmm_(layer.B, layer.A, 1, (float)Scaling).square().sum(1).sqrt_();
        }
    }

    /// <summary>Frees the operands.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        foreach (var (weight, norms, a, b) in layers)
        {
            norms.Dispose();
            weight.Dispose();
            a.Dispose();
            b.Dispose();
        }
        layers.Clear();
        GC.SuppressFinalize(this);
    }
}
