using BenchmarkDotNet.Attributes;
using LowRank.Formats;
using LowRank.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Benchmarks;

/// <summary>Products with a frozen weight of SmolLM2-135M's MLP, forward and backward, in the forms in which a base is stored, beside libtorch's product of the same fp32 matrix.</summary>
public class FrozenProducts : IDisposable
{
    private const long Out = 1536, In = 576;

    private readonly Tensor dense = randn(Out, In);
    private Tensor x = null!;
    private Tensor dy = null!;
    private FrozenWeight weight = null!;

    /// <summary>How the weight is stored; <c>fp32</c> is libtorch's own product.</summary>
    [Params("fp32", "bf16", "nf4")]
    public string Form { get; set; } = "";

    /// <summary>Rows of the other operand: one token, a few, a batch.</summary>
    [Params(1, 8, 128, 2048)]
    public int Rows { get; set; }

    /// <summary>Makes the operands.</summary>
    [GlobalSetup]
    public unsafe void Setup()
    {
        (x, dy) = (randn(Rows, In), randn(Rows, Out));
        using var narrow = dense.to(ScalarType.BFloat16);
        weight = Form == "nf4" ? FourBitWeight.Quantize((byte*)Runtime.Interop.TensorMemory.DataPointer(narrow), TensorType.BF16, Out, In, new(), "w") : new DenseWeight(narrow.clone());
    }

    /// <summary>x · Wᵀ.</summary>
    [Benchmark]
    public void Forward()
    {
        using var y = Form == "fp32" ? nn.functional.linear(x, dense) : weight.Linear(x);
    }

    /// <summary>dy · W.</summary>
    [Benchmark]
    public void Backward()
    {
        using var dx = Form == "fp32" ? dy.mm(dense) : weight.LinearBackward(dy);
    }

    /// <summary>Frees the operands.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        x?.Dispose();
        dy?.Dispose();
        weight?.Dispose();
        GC.SuppressFinalize(this);
    }
}
