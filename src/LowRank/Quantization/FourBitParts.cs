using System.Numerics;
using System.Runtime.CompilerServices;
using LowRank.Formats;
using LowRank.Kernels.Cpu;
using LowRank.Runtime.Memory;

namespace LowRank.Quantization;

/// <summary>
/// What a 4-bit weight consists of, in the form in which bitsandbytes stores it. It owns its memory; a <see cref="FourBitWeight"/> made of it owns it in turn.
/// </summary>
internal sealed unsafe class FourBitParts : IDisposable
{
    /// <summary>Blocks of the weight whose scales share one scale of their own.</summary>
    public const int NestedBlockSize = DynamicBlocks.BlockSize;

    private readonly float[] table = GC.AllocateArray<float>(FourBitDecode.TableLength, pinned: true);
    private readonly float[] nestedValues = GC.AllocateArray<float>(DynamicMap.Size, pinned: true);

    /// <summary>Describes a weight <c>[outFeatures, inFeatures]</c>; the buffers are set by the caller.</summary>
    public FourBitParts(long outFeatures, long inFeatures, TensorType sourceType, FourBitOptions options)
    {
        (OutFeatures, InFeatures, SourceType, Options) = (outFeatures, inFeatures, sourceType, options);
        CodeValues = FourBitCode.Of(options.Type).Values;
        DynamicMap.Signed.AscendingValues.CopyTo(nestedValues);
    }

    /// <summary>Rows of the weight.</summary>
    public long OutFeatures { get; }

    /// <summary>Columns of the weight.</summary>
    public long InFeatures { get; }

    /// <summary>Number of elements.</summary>
    public long Elements => OutFeatures * InFeatures;

    /// <summary>Blocks of the flat weight; the last may be short, and a block may run over the end of a row.</summary>
    public long Blocks => BlocksOf(Elements, Options.BlockSize);

    /// <summary>F32, BF16 or F16: the type of the weight that was quantized.</summary>
    public TensorType SourceType { get; }

    /// <summary>
    /// F32, or the type to which decoded elements are rounded before they are used, also in fp32: what a stored weight stands for in bitsandbytes. A weight that
    /// was quantized while loading stands for the unrounded values.
    /// </summary>
    public TensorType Rounding { get; init; } = TensorType.F32;

    /// <summary>Code table, block size, and whether the scales are quantized.</summary>
    public FourBitOptions Options { get; }

    /// <summary>Two codes a byte, the first in the high nibble. The lower nibble after an odd number of elements stands for nothing.</summary>
    public required NativeBuffer Packed { get; init; }

    /// <summary>A scale for each block in fp32, or a code of <see cref="NestedValues"/> with double quantization.</summary>
    public required NativeBuffer Absmax { get; init; }

    /// <summary>With double quantization, the fp32 scale of each 256 scales.</summary>
    public NativeBuffer? NestedAbsmax { get; init; }

    /// <summary>With double quantization, what was subtracted from each scale: their mean.</summary>
    public float NestedOffset { get; init; }

    /// <summary>The sixteen values of the codes.</summary>
    public ReadOnlySpan<float> CodeValues
    {
        get => table.AsSpan(0, FourBitCode.Size);
        set => FourBitDecode.FillTable(value, table);
    }

    /// <summary>The 256 values that quantized scales stand for. In pinned memory.</summary>
    public Span<float> NestedValues => nestedValues;

    /// <summary>Bytes of the buffers.</summary>
    public long StoredBytes => Packed.Length + Absmax.Length + (NestedAbsmax?.Length ?? 0);

    /// <summary>Blocks of <paramref name="blockSize"/> that <paramref name="elements"/> fill.</summary>
    public static long BlocksOf(long elements, long blockSize) => (elements + blockSize - 1) / blockSize;

    /// <summary>The addresses of the parts, valid until they are disposed.</summary>
    /// <exception cref="ObjectDisposedException">They were.</exception>
    public FourBitView View() => new(
        Packed.Pointer, (float*)Unsafe.AsPointer(ref table[0]), Absmax.Pointer, NestedAbsmax is null ? null : (float*)NestedAbsmax.Pointer,
        (float*)Unsafe.AsPointer(ref nestedValues[0]), NestedOffset, BitOperations.Log2((uint)Options.BlockSize), Rounding);

    /// <inheritdoc/>
    public void Dispose()
    {
        Packed.Dispose();
        Absmax.Dispose();
        NestedAbsmax?.Dispose();
    }
}
