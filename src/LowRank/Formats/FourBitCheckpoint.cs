using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using LowRank.Quantization;
using LowRank.Runtime.Memory;

namespace LowRank.Formats;

/// <summary>
/// 4-bit weights in a checkpoint, as bitsandbytes and Transformers store them (bitsandbytes functional.py, <c>QuantState.as_dict(packed=True)</c>): beside
/// <c>X.weight</c> (U8 <c>[bytes, 1]</c>) the scales <c>X.weight.absmax</c> (F32, or U8 codes with double quantization), the code table <c>.quant_map</c>,
/// with double quantization <c>.nested_absmax</c> and <c>.nested_quant_map</c>, and <c>.quant_state.bitsandbytes__nf4</c> or <c>__fp4</c>, whose bytes are JSON.
/// </summary>
internal static unsafe class FourBitCheckpoint
{
    private const string StatePrefix = ".quant_state.";

    private static readonly string[] partNames = ["absmax", "quant_map", "nested_absmax", "nested_quant_map"];

    // Tables of older releases may be off by a rounding; a table further off is another code.
    private const float TableTolerance = 1e-6f;

    /// <summary>Reads a weight. Null where the checkpoint has it in another form, or not at all.</summary>
    /// <param name="source">The checkpoint.</param>
    /// <param name="weightName">Such as <c>model.layers.0.self_attn.q_proj.weight</c>.</param>
    /// <param name="outFeatures">The rows that the model needs; null to take those of the file.</param>
    /// <param name="inFeatures">The columns that the model needs; null to take those of the file.</param>
    /// <exception cref="SafetensorsException">A part is missing or has another type or size, the kind of quantization is not known, or the shape is not the model's.</exception>
    public static FourBitParts? TryRead(ITensorSource source, string weightName, long? outFeatures = null, long? inFeatures = null)
    {
        if (!source.TryGet(weightName, out var weight) || FindState(source, weight) is not { } stateInfo) return null;
        var state = FourBitState.Parse(source.Bytes(stateInfo), stateInfo);
        if (state.OutFeatures != (outFeatures ?? state.OutFeatures) || state.InFeatures != (inFeatures ?? state.InFeatures))
            throw Error(stateInfo, string.Create(CultureInfo.InvariantCulture,
                $"its shape is [{state.OutFeatures}, {state.InFeatures}], the model needs [{outFeatures ?? state.OutFeatures}, {inFeatures ?? state.InFeatures}]"));
        var options = state.Options;
        var elements = state.OutFeatures * state.InFeatures;
        var blocks = FourBitParts.BlocksOf(elements, options.BlockSize);
        var wanted = options.DoubleQuantization ? TensorType.U8 : TensorType.F32;
        // quant_storage may name a wider type: the bytes are the same.
        if (weight.ByteLength != (elements + 1) / 2)
            throw Error(weight, string.Create(CultureInfo.InvariantCulture, $"it has {weight.ByteLength} bytes; {elements} codes of 4 bits take {(elements + 1) / 2}"));
        var absmax = Part(source, weightName, "absmax", wanted, blocks);
        var table = Part(source, weightName, "quant_map", TensorType.F32, FourBitCode.Size);
        var nestedAbsmax = options.DoubleQuantization ? Part(source, weightName, "nested_absmax", TensorType.F32, FourBitParts.BlocksOf(blocks, FourBitParts.NestedBlockSize)) : null;
        var nestedTable = options.DoubleQuantization ? Part(source, weightName, "nested_quant_map", TensorType.F32, DynamicMap.Size) : null;
        var parts = new FourBitParts(state.OutFeatures, state.InFeatures, state.SourceType, options)
        {
            Packed = Copy(source, weight),
            Absmax = Copy(source, absmax),
            NestedAbsmax = nestedAbsmax is null ? null : Copy(source, nestedAbsmax),
            NestedOffset = state.NestedOffset,
            Rounding = state.SourceType,
        };
        try
        {
            Check(source, weight, parts, absmax, nestedAbsmax);
            parts.CodeValues = ReadTable(source, table, parts.CodeValues);
            if (nestedTable is not null) ReadTable(source, nestedTable, parts.NestedValues).CopyTo(parts.NestedValues);
            return parts;
        }
        catch
        {
            parts.Dispose();
            throw;
        }
    }

    /// <summary>What a stored weight is apart from its data, without reading that. Null where the checkpoint has the weight in another form, or not at all.</summary>
    /// <param name="source">The checkpoint.</param>
    /// <param name="weightName">Such as <c>model.layers.0.self_attn.q_proj.weight</c>.</param>
    /// <exception cref="SafetensorsException">The kind of quantization is not known, or its description is damaged.</exception>
    public static FourBitState? TryReadState(ITensorSource source, string weightName) =>
        source.TryGet(weightName, out var weight) && FindState(source, weight) is { } info ? FourBitState.Parse(source.Bytes(info), info) : null;

    /// <summary>Whether a tensor is a part of a stored weight beside its codes: scales, tables, state.</summary>
    /// <param name="source">The checkpoint.</param>
    /// <param name="name">The tensor's name.</param>
    public static bool IsPart(ITensorSource source, string name)
    {
        var end = name.IndexOf(StatePrefix, StringComparison.Ordinal);
        if (end < 0 && Array.Find(partNames, p => name.EndsWith($".{p}", StringComparison.Ordinal)) is { } part) end = name.Length - part.Length - 1;
        return end >= 0 && source.TryGet(name[..end], out _);
    }

    /// <summary>The tensors that a weight is stored as: names, types, shapes and bytes.</summary>
    public static IReadOnlyList<FourBitTensor> TensorsOf(FourBitParts parts, string weightName)
    {
        var json = FourBitState.Of(parts).ToJson();
        var state = GC.AllocateUninitializedArray<byte>(json.Length, pinned: true);
        json.CopyTo(state, 0);
        List<FourBitTensor> tensors =
        [
            Of(weightName, TensorType.U8, [parts.Packed.Length, 1], parts.Packed),
            Of($"{weightName}.absmax", parts.Options.DoubleQuantization ? TensorType.U8 : TensorType.F32, [parts.Blocks], parts.Absmax),
            Table($"{weightName}.quant_map", parts.CodeValues),
        ];
        if (parts.NestedAbsmax is { } nested)
        {
            tensors.Add(Of($"{weightName}.nested_absmax", TensorType.F32, [nested.Length / sizeof(float)], nested));
            tensors.Add(Table($"{weightName}.nested_quant_map", parts.NestedValues));
        }
        tensors.Add(new($"{weightName}{StatePrefix}bitsandbytes__{parts.Options.TypeName}", TensorType.U8, [state.Length], (nint)Unsafe.AsPointer(ref state[0]), state.Length, state));
        return tensors;

        static FourBitTensor Of(string name, TensorType type, long[] shape, NativeBuffer bytes) => new(name, type, shape, (nint)bytes.Pointer, bytes.Length);

        // The tables of the parts lie in pinned memory.
        static FourBitTensor Table(string name, ReadOnlySpan<float> values) =>
            new(name, TensorType.F32, [values.Length], (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(values)), (long)values.Length * sizeof(float));
    }

    private static TensorInfo? FindState(ITensorSource source, TensorInfo weight)
    {
        foreach (var code in (ReadOnlySpan<FourBitCode>)[FourBitCode.Nf4, FourBitCode.Fp4])
            if (source.TryGet($"{weight.Name}{StatePrefix}bitsandbytes__{code.Name}", out var state)) return state;
        if (weight.Type != TensorType.U8) return null;
        foreach (var other in source.Tensors)
            if (other.Name.StartsWith(weight.Name + StatePrefix, StringComparison.Ordinal))
                throw Error(other, "this kind of quantization is not known; bitsandbytes__nf4 and bitsandbytes__fp4 are");
        throw Error(weight, $"it is of type U8, and its {StatePrefix[1..]}bitsandbytes__nf4 (or __fp4) is missing, which says how the weight was quantized");
    }

    private static TensorInfo Part(ITensorSource source, string weightName, string part, TensorType type, long elements)
    {
        var name = $"{weightName}.{part}";
        if (!source.TryGet(name, out var info))
        {
            source.TryGet(weightName, out var weight);
            throw Error(weight, $"its part '{name}' is missing; the checkpoint is incomplete");
        }
        if (info.Type != type || info.Elements != elements)
            throw Error(info, string.Create(CultureInfo.InvariantCulture, $"it is {info.Type} {info.ShapeText}; {type} with {elements} elements is needed"));
        return info;
    }

    private static ReadOnlySpan<float> ReadTable(ITensorSource source, TensorInfo info, ReadOnlySpan<float> values)
    {
        var stored = MemoryMarshal.Cast<byte, float>(source.Bytes(info));
        for (var i = 0; i < values.Length; i++)
            if (!(Math.Abs(stored[i] - values[i]) <= TableTolerance))
                throw Error(info, string.Create(CultureInfo.InvariantCulture, $"value {i} of the code table is {stored[i]}, {values[i]} is needed; this code is not known"));
        return stored;
    }

    private static void Check(ITensorSource source, TensorInfo weight, FourBitParts parts, TensorInfo absmax, TensorInfo? nested)
    {
        var (info, buffer) = nested is null ? (absmax, parts.Absmax) : (nested, parts.NestedAbsmax!);
        var scales = (float*)buffer.Pointer;
        for (long i = 0; i < buffer.Length / sizeof(float); i++)
            if (!float.IsFinite(scales[i]))
                throw Error(info, string.Create(CultureInfo.InvariantCulture, $"scale {i} is {scales[i]}; the checkpoint is damaged"));
        source.DropPages(weight);
    }

    private static NativeBuffer Copy(ITensorSource source, TensorInfo info) => NativeBuffer.CopyOf(source.Pointer(info), info.ByteLength);

    internal static SafetensorsException Error(TensorInfo info, string problem) => new(info.File, $"{info.File}: tensor '{info.Name}': {problem}.", info.Name);
}
