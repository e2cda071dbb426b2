using LowRank.Adapters;
using LowRank.Kernels.Cpu;
using LowRank.Kernels.Cpu.Gemm;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Quantization;

/// <summary>
/// A frozen weight in fp32, bf16 or fp16, as the checkpoint holds it; the tensor may lie over a mapped file. Where the compute dtype is
/// another one, panels of the matrix are widened for one product and dropped again: the base is never upcast as a whole.
/// </summary>
public sealed class DenseWeight : FrozenWeight
{
    /// <summary>Up to this number of rows a product reads the bf16 weight directly: widening it first would cost more than the product.</summary>
    private const int GemvRows = 16;

    /// <summary>A product with more rows of weight than this is widened in panels, so that a large head needs no whole fp32 copy.</summary>
    private const long PanelElements = 4L << 20;

    private readonly Tensor weight;
    private PanelWeight? panels;

    /// <summary>Takes ownership of <paramref name="weight"/> <c>[outFeatures, inFeatures]</c> in fp32, bf16 or fp16.</summary>
    public DenseWeight(Tensor weight) : base(weight.shape[0], weight.shape[1])
    {
        this.weight = weight.DetachFromDisposeScope();
        if (weight.requires_grad) throw new ArgumentException("A frozen weight must not require a gradient.", nameof(weight));
    }

    /// <summary>The dtype of the stored form.</summary>
    public ScalarType StoredType => weight.dtype;

    /// <inheritdoc/>
    public override long StoredBytes => weight.NumberOfElements * weight.ElementSize;

    /// <inheritdoc/>
    public override Device Device => weight.device;

    /// <inheritdoc/>
    public override Tensor Linear(Tensor x)
    {
        if (x.numel() <= GemvRows * InFeatures && BFloat16Gemv.Handles(x, weight)) return BFloat16Gemv.Multiply(x, weight);
        if (PanelsFor(x) is { } panels) return PanelLinear.Forward(panels, x);
        if (x.dtype == weight.dtype) return nn.functional.linear(x, weight);
        var panel = Math.Max(64, PanelElements / InFeatures);
        if (OutFeatures <= panel)
        {
            using var whole = weight.to(x.dtype);
            return nn.functional.linear(x, whole);
        }
        var y = empty([.. x.shape[..^1], OutFeatures], x.dtype, x.device);
        for (long start = 0; start < OutFeatures; start += panel)
        {
            var count = Math.Min(panel, OutFeatures - start);
            using var stored = weight.narrow(0, start, count);
            using var wide = stored.to(x.dtype);
            using var part = nn.functional.linear(x, wide);
            using var into = y.narrow(-1, start, count);
            into.copy_(part);
        }
        return y;
    }

    /// <inheritdoc/>
    public override Tensor LinearBackward(Tensor dy)
    {
        if (PanelsFor(dy) is { } panels) return PanelLinear.Backward(panels, dy);
        if (dy.dtype == weight.dtype) return dy.matmul(weight);
        var panel = Math.Max(64, PanelElements / InFeatures);
        if (OutFeatures <= panel)
        {
            using var whole = weight.to(dy.dtype);
            return dy.matmul(whole);
        }
        var dx = zeros([.. dy.shape[..^1], InFeatures], dy.dtype, dy.device);
        using var flat = dx.view(-1, InFeatures);
        using var rows = dy.reshape(-1, OutFeatures);
        for (long start = 0; start < OutFeatures; start += panel)
        {
            var count = Math.Min(panel, OutFeatures - start);
            using var stored = weight.narrow(0, start, count);
            using var wide = stored.to(dy.dtype);
            using var part = rows.narrow(1, start, count);
            flat.addmm_(part, wide);
        }
        return dx;
    }

    internal override void AddLinearBackward(Tensor dy, Tensor dx)
    {
        if (PanelsFor(dy) is { } panels)
        {
            PanelLinear.AddBackward(panels, dy, dx);
        }
        else if (dy.dtype == weight.dtype)
        {
            using var rows = dy.reshape(-1, OutFeatures);
            using var flat = dx.view(-1, InFeatures);
            flat.addmm_(rows, weight);
        }
        else
        {
            base.AddLinearBackward(dy, dx);
        }
    }

    // A bf16 weight on the CPU is widened in the cache by the threads that multiply. For one in fp32 libtorch's product does unless the own one is faster.
    internal override PanelWeight? Panels => panels ??= MakePanels();

    private unsafe PanelWeight? MakePanels() => weight.device_type != DeviceType.CPU || !weight.is_contiguous() ? null : weight.dtype switch
    {
        ScalarType.BFloat16 => new BFloat16Panels((ushort*)TensorMemory.DataPointer(weight), OutFeatures, InFeatures),
        ScalarType.Float32 => new Float32Panels(TensorMemory.Floats(weight), OutFeatures, InFeatures),
        _ => null,
    };

    private PanelWeight? PanelsFor(Tensor input) =>
        input.dtype == ScalarType.Float32 && (weight.dtype != ScalarType.Float32 || (GemmChoice.IsOwn && input.numel() > FewRows.Most * input.shape[^1])) ? Panels : null;

    /// <inheritdoc/>
    public override Tensor Dequantize(long start, long count)
    {
        using var rows = weight.narrow(0, start, count);
        return rows.dtype == ScalarType.Float32 ? rows.clone() : rows.to(ScalarType.Float32);
    }

    /// <inheritdoc/>
    public override Tensor Rows(Tensor ids, ScalarType dtype)
    {
        using var flat = ids.reshape(-1);
        using var rows = weight.index_select(0, flat);
        using var cast = rows.to(dtype);
        return cast.reshape([.. ids.shape, InFeatures]);
    }

    internal override bool RequiresGradient => weight.requires_grad;

    internal override void AddTo(BaseFingerprintBuilder builder, string name)
    {
        if (!IsTransposed)
        {
            builder.Add(name, weight);
            return;
        }
        using var turned = weight.t();
        using var stored = turned.contiguous();
        builder.Add(name, stored);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) weight.Dispose();
    }
}
