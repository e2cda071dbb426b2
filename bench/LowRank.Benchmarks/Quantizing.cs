using BenchmarkDotNet.Attributes;
using LowRank.Formats;
using LowRank.Quantization;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Benchmarks;

/// <summary>16 million weights into 4 bits with double quantization and back; parameters a second are 16.8 million by the time.</summary>
public unsafe class Quantizing : IDisposable
{
    private const long Side = 4096;

    private readonly Tensor weights = randn(Side, Side).to(ScalarType.BFloat16);
    private readonly Tensor values = empty(Side, Side);
    private FourBitWeight? quantized;

    /// <summary>Quantizes once for <see cref="Dequantize"/>.</summary>
    [GlobalSetup]
    public void Setup() => quantized = FourBitWeight.Quantize((byte*)TensorMemory.DataPointer(weights), TensorType.BF16, Side, Side, new(), "w");

    /// <summary>bf16 to NF4.</summary>
    [Benchmark]
    public void Quantize() => FourBitWeight.Quantize((byte*)TensorMemory.DataPointer(weights), TensorType.BF16, Side, Side, new(), "w").Dispose();

    /// <summary>NF4 to fp32.</summary>
    [Benchmark]
    public void Dequantize() => quantized!.Dequantize(0, Side * Side, TensorType.F32, (byte*)TensorMemory.DataPointer(values));

    /// <summary>Frees the tensors.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        weights.Dispose();
        values.Dispose();
        quantized?.Dispose();
        GC.SuppressFinalize(this);
    }
}
