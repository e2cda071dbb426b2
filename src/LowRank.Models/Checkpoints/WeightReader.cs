using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Checkpoints;

/// <summary>Reads tensors of a checkpoint by name, checks their shapes, and collects all that is wrong before anything is thrown.</summary>
/// <param name="source">The checkpoint, with Hugging Face's names.</param>
/// <param name="where">Its path, for messages.</param>
/// <param name="fingerprint">Takes the fingerprint of what is read, or null.</param>
/// <param name="mapped">Whether tensors may lie over the source's memory, which then must outlive them; else they are copies.</param>
internal sealed class WeightReader(ITensorSource source, string where, BaseFingerprintBuilder? fingerprint = null, bool mapped = false)
{
    private readonly List<string> problems = [];

    /// <summary>
    /// The tensor in the dtype of the file (fp32, bf16 or fp16), on the CPU; null where it is missing or has another shape, which <see cref="ThrowIfWrong"/> reports.
    /// </summary>
    public Tensor? Read(string name, params long[] shape)
    {
        if (!source.TryGet(name, out var info))
        {
            problems.Add($"{name} [{string.Join(", ", shape)}] is missing");
            return null;
        }
        if (!info.Shape.AsSpan().SequenceEqual(shape))
        {
            problems.Add($"{name} has shape {info.ShapeText}, config.json asks for [{string.Join(", ", shape)}]");
            return null;
        }
        ScalarType? type = info.Type switch
        {
            TensorType.F32 => ScalarType.Float32,
            TensorType.BF16 => ScalarType.BFloat16,
            TensorType.F16 => ScalarType.Float16,
            _ => null,
        };
        if (type is not null) return mapped ? Map(info, type.Value) : Copy(info, type.Value);
        problems.Add($"{name} is {info.Type}; a weight must be F32, BF16 or F16");
        return null;
    }

    /// <summary>Reports everything that was wrong at once.</summary>
    /// <exception cref="LowRankException">Something was.</exception>
    public void ThrowIfWrong()
    {
        if (problems.Count == 0) return;
        const int Shown = 10;
        var more = problems.Count > Shown ? $"\n  and {problems.Count - Shown} more" : "";
        throw new LowRankException($"{where} does not fit its config.json:\n  {string.Join("\n  ", problems.Take(Shown))}{more}");
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
        Buffer.MemoryCopy(source.Pointer(info), (void*)TensorMemory.DataPointer(t), info.ByteLength, info.ByteLength);
        fingerprint?.Add(info.Name, info.Shape, (byte*)TensorMemory.DataPointer(t), info.ByteLength);
        source.DropPages(info);
        return t;
    }
}
