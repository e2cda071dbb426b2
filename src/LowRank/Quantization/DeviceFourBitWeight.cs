using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Kernels.Cuda;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Quantization;

/// <summary>
/// A frozen weight in NF4 or FP4 whose parts are tensors of a device: what <see cref="FourBitWeight"/> is on the CPU, for a GPU. A product decodes panels of the weight into the
/// compute dtype, by one launch of a kernel or by tensor operations where there is none, and gives them to the library's matrix product. The decoded values are those of
/// <see cref="FourBitWeight"/>, bit for bit.
/// </summary>
public sealed class DeviceFourBitWeight : FrozenWeight
{
    // 64 MiB in fp32: enough rows for the library's product to run at full speed, and little beside a model.
    private const long PanelElements = 16L << 20;

    private readonly FourBitTensors parts;

    private DeviceFourBitWeight(FourBitTensors parts) : base(parts.OutFeatures, parts.InFeatures) => this.parts = parts;

    /// <summary>How the weight is stored.</summary>
    public FourBitOptions Options => parts.Options;

    /// <inheritdoc/>
    public override long StoredBytes => parts.StoredBytes;

    /// <inheritdoc/>
    public override Device Device => parts.Packed.device;

    /// <summary>A copy of a weight on a device.</summary>
    /// <param name="weight">The weight; it stays the caller's.</param>
    /// <param name="device">The device. The CPU is possible too, for comparisons; <see cref="FourBitWeight"/> is faster there.</param>
    public static DeviceFourBitWeight Of(FourBitWeight weight, Device device)
    {
        ArgumentNullException.ThrowIfNull(weight);
        return new(FourBitTensors.Of(weight.Parts, device));
    }

    /// <inheritdoc/>
    public override Tensor Linear(Tensor x)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        if (OutFeatures <= PanelRows) return nn.functional.linear(x, Decode(0, OutFeatures, x.dtype)).MoveToOuterDisposeScope();
        var y = empty([.. x.shape[..^1], OutFeatures], x.dtype, x.device);
        ForPanels((start, count) => y.narrow(-1, start, count).copy_(nn.functional.linear(x, Decode(start, count, x.dtype))));
        return y.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor LinearBackward(Tensor dy)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        if (OutFeatures <= PanelRows) return dy.matmul(Decode(0, OutFeatures, dy.dtype)).MoveToOuterDisposeScope();
        var dx = zeros([.. dy.shape[..^1], InFeatures], dy.dtype, dy.device);
        AddLinearBackward(dy, dx);
        return dx.MoveToOuterDisposeScope();
    }

    internal override void AddLinearBackward(Tensor dy, Tensor dx)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var (rows, flat) = (dy.reshape(-1, OutFeatures), dx.view(-1, InFeatures));
        ForPanels((start, count) => flat.addmm_(rows.narrow(1, start, count), Decode(start, count, dy.dtype)));
    }

    /// <inheritdoc/>
    public override Tensor Dequantize(long start, long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start + count, OutFeatures);
        return Decode(start, count, ScalarType.Float32);
    }

    /// <inheritdoc/>
    public override Tensor Rows(Tensor ids, ScalarType dtype)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        // A table in 4 bits is rare (bitsandbytes leaves it as it is): its distinct rows are decoded one by one.
        var wanted = ids.to(ScalarType.Int64).reshape(-1);
        if (wanted.numel() == 0) return empty([.. ids.shape, InFeatures], dtype, Device).MoveToOuterDisposeScope();
        var here = wanted.cpu().data<long>().ToArray();
        var places = new Dictionary<long, long>();
        foreach (var id in here)
        {
            if (id < 0 || id >= OutFeatures) throw new ArgumentOutOfRangeException(nameof(ids), $"Row {id} of a weight with {OutFeatures} rows.");
            places.TryAdd(id, places.Count);
        }
        var table = cat([.. places.Keys.Select(id => Decode(id, 1, ScalarType.Float32))]);
        var rows = table.index_select(0, tensor(Array.ConvertAll(here, id => places[id]), device: Device));
        return rows.to(dtype).reshape([.. ids.shape, InFeatures]).MoveToOuterDisposeScope();
    }

    internal override void AddTo(BaseFingerprintBuilder builder, string name) => parts.AddTo(builder, name);

    private long PanelRows => Math.Max(1, PanelElements / InFeatures);

    private void ForPanels(Action<long, long> work)
    {
        for (long start = 0; start < OutFeatures; start += PanelRows)
        {
            using var panel = NewDisposeScope();
            work(start, Math.Min(PanelRows, OutFeatures - start));
        }
    }

    // Rows of the weight in a type: fp32 values, rounded once.
    private Tensor Decode(long start, long count, ScalarType type)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor values;
        if (CudaKernels.For(parts.Packed) is { } kernels && type is ScalarType.Float32 or ScalarType.BFloat16 or ScalarType.Float16)
        {
            values = empty([count, InFeatures], type, Device);
            kernels.Dequantize(parts, start * InFeatures, values);
        }
        else
        {
            values = parts.Decode(start * InFeatures, count * InFeatures).to(type).view(count, InFeatures);
        }
        return values.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) parts.Dispose();
    }
}
