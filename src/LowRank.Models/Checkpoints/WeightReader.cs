using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Quantization;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Checkpoints;

/// <summary>Reads tensors of a checkpoint by name, checks their shapes, and collects all that is wrong before anything is thrown.</summary>
/// <param name="source">The checkpoint, with Hugging Face's names.</param>
/// <param name="where">Its path, for messages.</param>
/// <param name="fingerprint">Takes the fingerprint of what is read, or null.</param>
/// <param name="mapped">Whether tensors may lie over the source's memory, which then must outlive them; else they are copies.</param>
/// <param name="quantization">The form in which matrices of the layers are stored; null for that of the checkpoint.</param>
/// <param name="device">Where the tensors are wanted; null for the CPU.</param>
internal class WeightReader(ITensorSource source, string where, BaseFingerprintBuilder? fingerprint = null, bool mapped = false, FourBitOptions? quantization = null, Device? device = null)
{
    private readonly List<string> problems = [];
    private readonly bool isElsewhere = device is not null && device.type != DeviceType.CPU;

    /// <summary>
    /// The tensor in the dtype of the file (fp32, bf16 or fp16), on the device; null where it is missing or has another shape, which <see cref="ThrowIfWrong"/> reports.
    /// </summary>
    public Tensor? Read(string name, params long[] shape)
    {
        if (!Check(name, shape, out var info)) return null;
        var type = TypeOf(info);
        return isElsewhere ? Moved(info, type) : mapped ? Map(info, type) : Copy(info, type);
    }

    /// <summary>Finds a tensor of this shape, or notes what is wrong.</summary>
    protected virtual bool Check(string name, long[] shape, out TensorInfo info)
    {
        if (!source.TryGet(name, out info)) problems.Add($"{name} [{string.Join(", ", shape)}] is missing");
        else if (!info.Shape.AsSpan().SequenceEqual(shape)) problems.Add($"{name} has shape {info.ShapeText}, config.json asks for [{string.Join(", ", shape)}]");
        else if (info.Type is not (TensorType.F32 or TensorType.BF16 or TensorType.F16)) problems.Add($"{name} is {info.Type}; a weight must be F32, BF16 or F16");
        else return true;
        return false;
    }

    /// <summary>The form of the 4-bit matrices that were read; null while there were none.</summary>
    public FourBitOptions? ReadForm { get; private set; }

    /// <summary>
    /// The matrix of a linear layer: in 4 bits where the checkpoint has it so or where that was asked for, else as it is. Null where it is missing or
    /// has another shape, which <see cref="ThrowIfWrong"/> reports.
    /// </summary>
    /// <param name="module">The layer's name.</param>
    /// <param name="outFeatures">Rows of the matrix.</param>
    /// <param name="inFeatures">Its columns.</param>
    /// <param name="isTransposed">Whether the checkpoint has it as <c>[inFeatures, outFeatures]</c>. In 4 bits it is <c>[outFeatures, inFeatures]</c> there too.</param>
    public FrozenWeight? ReadMatrix(string module, long outFeatures, long inFeatures, bool isTransposed = false)
    {
        var weight = ReadMatrixAs(module, outFeatures, inFeatures, isTransposed);
        if (weight is not null) weight.IsTransposed = isTransposed;
        return weight;
    }

    private unsafe FrozenWeight? ReadMatrixAs(string module, long outFeatures, long inFeatures, bool isTransposed)
    {
        var name = $"{module}.weight";
        if (FourBitCheckpoint.TryRead(source, name, outFeatures, inFeatures) is { } parts)
        {
            ReadForm ??= parts.Options;
            var stored = FourBitWeight.FromParts(parts);
            if (fingerprint is not null) stored.AddTo(fingerprint, name);
            return Placed(stored);
        }
        if (isTransposed) return ReadTransposed(module, outFeatures, inFeatures);
        if (quantization is null || quantization.Skips(module)) return Read(name, outFeatures, inFeatures) is { } t ? new DenseWeight(t) : null;
        if (!Check(name, [outFeatures, inFeatures], out var info)) return null;
        ReadForm ??= quantization;
        // The matrix passes by once: hashed, quantized, and its pages dropped before the next one comes.
        fingerprint?.Add(name, info.Shape, source.Pointer(info), info.ByteLength);
        var weight = FourBitWeight.Quantize(source.Pointer(info), info.Type, outFeatures, inFeatures, quantization, name);
        source.DropPages(info);
        return Placed(weight);
    }

    // A copy with rows and columns exchanged, of one matrix at a time.
    private unsafe FrozenWeight? ReadTransposed(string module, long outFeatures, long inFeatures)
    {
        var name = $"{module}.weight";
        if (!Check(name, [inFeatures, outFeatures], out var info)) return null;
        using var scope = NewDisposeScope();
        var turned = Copy(info, TypeOf(info)).t().contiguous();
        if (quantization is null || quantization.Skips(module)) return new DenseWeight(isElsewhere ? turned.to(device!) : turned);
        ReadForm ??= quantization;
        return Placed(FourBitWeight.Quantize((byte*)TensorMemory.DataPointer(turned), info.Type, outFeatures, inFeatures, quantization, name));
    }

    private static ScalarType TypeOf(TensorInfo info) => info.Type switch { TensorType.F32 => ScalarType.Float32, TensorType.BF16 => ScalarType.BFloat16, _ => ScalarType.Float16 };

    /// <summary>Reports everything that was wrong at once.</summary>
    /// <exception cref="LowRankException">Something was.</exception>
    public void ThrowIfWrong()
    {
        if (problems.Count == 0) return;
        const int Shown = 10;
        var more = problems.Count > Shown ? $"\n  and {problems.Count - Shown} more" : "";
        throw new LowRankException($"{where} does not fit its config.json:\n  {string.Join("\n  ", problems.Take(Shown))}{more}");
    }

    // Tensor by tensor, so that no more than one is in memory twice.
    private Tensor Moved(TensorInfo info, ScalarType type)
    {
        using var here = Copy(info, type);
        return here.to(device!);
    }

    private FrozenWeight Placed(FourBitWeight weight)
    {
        if (!isElsewhere) return weight;
        using (weight) return DeviceFourBitWeight.Of(weight, device!);
    }

    private unsafe Tensor Map(TensorInfo info, ScalarType type)
    {
        var data = source.Pointer(info);
        if ((nint)data % info.Type.ElementSize() != 0 || info.Elements == 0) return Copy(info, type);
        fingerprint?.Add(source, info);
        return TensorMemory.TensorFromPointer((nint)data, info.Shape, type);
    }

    private unsafe Tensor Copy(TensorInfo info, ScalarType type)
    {
        var t = empty(info.Shape, type);
        var data = (byte*)TensorMemory.DataPointer(t);
        source.CopyTo(info, data);
        fingerprint?.Add(info.Name, info.Shape, data, info.ByteLength);
        return t;
    }
}
