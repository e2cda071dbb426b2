using System.Numerics;
using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Runtime.Interop;
using LowRank.Runtime.Memory;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Quantization;

/// <summary>The parts of a 4-bit weight as tensors of a device, in bitsandbytes' form, and their decoding by tensor operations: the plain twin of the kernel.</summary>
internal sealed unsafe class FourBitTensors : IDisposable
{
    private const int CodesOfByte = 256;

    private FourBitTensors(FourBitParts parts, Device device)
    {
        (OutFeatures, InFeatures, Options, Rounding, NestedOffset) = (parts.OutFeatures, parts.InFeatures, parts.Options, parts.Rounding, parts.NestedOffset);
        Packed = Of(parts.Packed, ScalarType.Byte, device);
        Absmax = Of(parts.Absmax, parts.NestedAbsmax is null ? ScalarType.Float32 : ScalarType.Byte, device);
        NestedAbsmax = parts.NestedAbsmax is { } nested ? Of(nested, ScalarType.Float32, device) : null;
        NestedValues = Kept(tensor(parts.NestedValues.ToArray(), device: device));
        Table = Kept(tensor(parts.CodeValues.ToArray(), device: device));
        var pairs = new float[2 * CodesOfByte];
        for (var code = 0; code < CodesOfByte; code++) (pairs[2 * code], pairs[2 * code + 1]) = (parts.CodeValues[code >> 4], parts.CodeValues[code & 15]);
        Pairs = Kept(tensor(pairs, [CodesOfByte, 2], device: device));
    }

    /// <summary>Rows of the weight.</summary>
    public long OutFeatures { get; }

    /// <summary>Columns of the weight.</summary>
    public long InFeatures { get; }

    /// <summary>Code, block size, double quantization.</summary>
    public FourBitOptions Options { get; }

    /// <summary>F32, or the type to which decoded elements are rounded before they are used; see <see cref="FourBitParts.Rounding"/>.</summary>
    public TensorType Rounding { get; }

    /// <summary>What is added to a decoded scale.</summary>
    public float NestedOffset { get; }

    /// <summary>Two codes a byte, the first in the high nibble: uint8.</summary>
    public Tensor Packed { get; }

    /// <summary>fp32 scales of the blocks, or uint8 codes of them with double quantization.</summary>
    public Tensor Absmax { get; }

    /// <summary>With double quantization, the fp32 scale of each 256 scales.</summary>
    public Tensor? NestedAbsmax { get; }

    /// <summary>The 256 fp32 values of codes of scales.</summary>
    public Tensor NestedValues { get; }

    /// <summary>The 16 fp32 values of codes.</summary>
    public Tensor Table { get; }

    /// <summary>The two values of each byte, fp32 <c>[256, 2]</c>.</summary>
    private Tensor Pairs { get; }

    /// <summary>Bytes of codes and scales.</summary>
    public long StoredBytes => Bytes(Packed) + Bytes(Absmax) + (NestedAbsmax is null ? 0 : Bytes(NestedAbsmax));

    /// <summary>Copies parts to a device.</summary>
    public static FourBitTensors Of(FourBitParts parts, Device device)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return new FourBitTensors(parts, device);
    }

    /// <summary>Elements of the flat weight in fp32, <c>[count]</c>: <c>table[code] · scale</c>, and a scale is <c>value · nested scale + offset</c>, each operation rounded.</summary>
    public Tensor Decode(long start, long count)
    {
        using var scope = NewDisposeScope();
        if (count == 0) return empty([0], ScalarType.Float32, Packed.device).MoveToOuterDisposeScope();
        var (firstByte, lastByte) = (start / 2, (start + count - 1) / 2);
        var codes = Packed.narrow(0, firstByte, lastByte - firstByte + 1).to(ScalarType.Int32);
        var values = Pairs.index_select(0, codes).view(-1).narrow(0, start & 1, count);
        var size = Options.BlockSize;
        var (firstBlock, lastBlock) = (start / size, (start + count - 1) / size);
        var scales = Scales(firstBlock, lastBlock - firstBlock + 1).unsqueeze(1).expand(-1, size).reshape(-1).narrow(0, start - firstBlock * size, count);
        values = values * scales;
        if (Rounding == TensorType.BF16) values = values.to(ScalarType.BFloat16).to(ScalarType.Float32);
        else if (Rounding == TensorType.F16) values = values.to(ScalarType.Float16).to(ScalarType.Float32);
        return values.MoveToOuterDisposeScope();
    }

    /// <summary>Adds codes and scales to a fingerprint, as <see cref="FourBitWeight"/> adds them.</summary>
    public void AddTo(BaseFingerprintBuilder builder, string name)
    {
        using var scope = NewDisposeScope();
        Tensor[] pieces = NestedAbsmax is null ? [Packed.cpu(), Absmax.cpu()] : [Packed.cpu(), Absmax.cpu(), NestedAbsmax.cpu()];
        builder.Add(name, [OutFeatures, InFeatures], Array.ConvertAll(pieces, p => (TensorMemory.DataPointer(p), Bytes(p))));
    }

    private Tensor Scales(long first, long count)
    {
        var stored = Absmax.narrow(0, first, count);
        if (NestedAbsmax is null) return stored;
        const int nestedSize = FourBitParts.NestedBlockSize;
        var (firstNested, lastNested) = (first / nestedSize, (first + count - 1) / nestedSize);
        var nested = NestedAbsmax.narrow(0, firstNested, lastNested - firstNested + 1).unsqueeze(1).expand(-1, nestedSize).reshape(-1).narrow(0, first - firstNested * nestedSize, count);
        return (NestedValues.index_select(0, stored.to(ScalarType.Int32)) * nested).add_(Scalars.Of(NestedOffset), Scalars.One);
    }

    private static Tensor Of(NativeBuffer buffer, ScalarType type, Device device)
    {
        using var over = TensorMemory.TensorFromPointer((nint)buffer.Pointer, [buffer.Length / (type == ScalarType.Float32 ? sizeof(float) : 1)], type);
        using var copy = over.clone();
        return Kept(copy.to(device).alias());
    }

    private static Tensor Kept(Tensor t) => t.DetachFromDisposeScope();

    private static long Bytes(Tensor t) => t.NumberOfElements * t.ElementSize;

    /// <inheritdoc/>
    public void Dispose()
    {
        Packed.Dispose();
        Absmax.Dispose();
        NestedAbsmax?.Dispose();
        NestedValues.Dispose();
        Table.Dispose();
        Pairs.Dispose();
    }
}
