using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Kernels.Cpu;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Quantization;

/// <summary>
/// A frozen weight in NF4 or FP4 on the CPU: 4-bit codes and a scale for each block of the flat weight, the scales in 8 bits with double quantization (QLoRA, arXiv
/// 2305.14314). An element is <c>table[code] · scale</c> in fp32, rounded once where another type is asked for. A product decodes panels of the
/// weight that fit a cache, never the whole. Products may run on several threads at once; <see cref="FrozenWeight.Dispose()"/> must come after them.
/// </summary>
public sealed class FourBitWeight : FrozenWeight
{
    private readonly FourBitParts parts;
    private readonly FourBitPanels panels;

    private FourBitWeight(FourBitParts parts) : base(parts.OutFeatures, parts.InFeatures)
    {
        this.parts = parts;
        panels = new(parts);
    }

    /// <summary>How the weight is stored.</summary>
    public FourBitOptions Options => parts.Options;

    /// <inheritdoc/>
    public override long StoredBytes => parts.StoredBytes;

    /// <inheritdoc/>
    public override Device Device => CPU;

    /// <summary>Codes, scales and tables, as bitsandbytes stores them. They stay this weight's.</summary>
    internal FourBitParts Parts => parts;

    /// <summary>Quantizes a weight <c>[outFeatures, inFeatures]</c> in F32, BF16 or F16.</summary>
    /// <exception cref="LowRankException">The weight has a NaN or an infinite value, or another type; <paramref name="name"/> is in the message.</exception>
    internal static unsafe FourBitWeight Quantize(byte* data, TensorType type, long outFeatures, long inFeatures, FourBitOptions options, string name) =>
        new(FourBitQuantizer.Quantize(data, type, outFeatures, inFeatures, options, name));

    /// <summary>A weight of parts read from a checkpoint; they become this weight's.</summary>
    internal static FourBitWeight FromParts(FourBitParts parts) => new(parts);

    internal override PanelWeight? Panels => panels;

    /// <inheritdoc/>
    public override Tensor Linear(Tensor x) => IsBFloat16(x) ? RoundedProduct.Forward(this, x) : PanelLinear.Forward(panels, x);

    /// <inheritdoc/>
    public override Tensor LinearBackward(Tensor dy) => IsBFloat16(dy) ? RoundedProduct.Backward(this, dy) : PanelLinear.Backward(panels, dy);

    // Elsewhere a bf16 input is widened and the product rounded once. Of a few rows the products in fp32 are as fast: reading the weight takes the time.
    private bool IsBFloat16(Tensor x) => ProductType == ScalarType.BFloat16 && x.dtype == ScalarType.BFloat16 && x.device_type == DeviceType.CPU && x.numel() > FewRows.Most * x.shape[^1];

    internal override void AddLinearBackward(Tensor dy, Tensor dx)
    {
        if (dy.dtype == ScalarType.Float32) PanelLinear.AddBackward(panels, dy, dx);
        else base.AddLinearBackward(dy, dx);
    }

    /// <inheritdoc/>
    public override unsafe Tensor Dequantize(long start, long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start + count, OutFeatures);
        var rows = empty([count, InFeatures], ScalarType.Float32);
        Dequantize(start * InFeatures, count * InFeatures, TensorType.F32, (byte*)TensorMemory.DataPointer(rows));
        return rows;
    }

    /// <summary>Elements of the flat weight in F32, BF16 or F16, on libtorch's threads.</summary>
    internal unsafe void Dequantize(long start, long count, TensorType type, byte* target)
    {
        const int grain = 1 << 15;
        var view = parts.View();
        TorchThreads.For(0, (count + grain - 1) / grain, 1, (from, to) =>
        {
            var (first, last) = (from * grain, Math.Min(count, to * grain));
            FourBitRange.Decode(in view, start + first, last - first, type, target + first * type.ElementSize());
        });
    }

    /// <inheritdoc/>
    public override unsafe Tensor Rows(Tensor ids, ScalarType dtype)
    {
        using var flat = ids.to(ScalarType.Int64).reshape(-1).contiguous();
        using var rows = empty([flat.shape[0], InFeatures], ScalarType.Float32);
        var target = (float*)TensorMemory.DataPointer(rows);
        var row = 0L;
        foreach (var id in TensorMemory.Elements<long>(flat))
        {
            if (id < 0 || id >= OutFeatures) throw new ArgumentOutOfRangeException(nameof(ids), $"Row {id} of a weight with {OutFeatures} rows.");
            FourBitRange.Decode(parts.View(), id * InFeatures, InFeatures, target + row++ * InFeatures);
        }
        using var cast = rows.to(dtype);
        return cast.reshape([.. ids.shape, InFeatures]);
    }

    internal override unsafe void AddTo(BaseFingerprintBuilder builder, string name) => builder.Add(name, [OutFeatures, InFeatures],
        [((nint)parts.Packed.Pointer, parts.Packed.Length), ((nint)parts.Absmax.Pointer, parts.Absmax.Length), parts.NestedAbsmax is { } nested ? ((nint)nested.Pointer, nested.Length) : default]);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) parts.Dispose();
    }
}
