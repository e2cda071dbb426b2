using System.Collections.Frozen;

namespace LowRank.Formats;

/// <summary>Sizes and file-format names of <see cref="TensorType"/>.</summary>
public static class TensorTypes
{
    // safetensors writes tensors of larger dtypes first; this is the order of its Dtype enum (safetensors 0.8, tensor.rs), smallest first.
    private static readonly (string Name, TensorType Type)[] safetensorsOrder =
    [
        ("BOOL", TensorType.Bool), ("U8", TensorType.U8), ("I8", TensorType.I8), ("F8_E5M2", TensorType.F8E5M2), ("F8_E4M3", TensorType.F8E4M3),
        ("F8_E8M0", TensorType.F8E8M0), ("I16", TensorType.I16), ("U16", TensorType.U16), ("F16", TensorType.F16), ("BF16", TensorType.BF16),
        ("I32", TensorType.I32), ("U32", TensorType.U32), ("F32", TensorType.F32), ("C64", TensorType.C64), ("F64", TensorType.F64),
        ("I64", TensorType.I64), ("U64", TensorType.U64),
    ];

    // ggml.h, enum ggml_type.
    private static readonly FrozenDictionary<uint, TensorType> ggml = new Dictionary<uint, TensorType>
    {
        [0] = TensorType.F32, [1] = TensorType.F16, [2] = TensorType.Q4_0, [3] = TensorType.Q4_1, [6] = TensorType.Q5_0, [7] = TensorType.Q5_1,
        [8] = TensorType.Q8_0, [9] = TensorType.Q8_1, [10] = TensorType.Q2_K, [11] = TensorType.Q3_K, [12] = TensorType.Q4_K, [13] = TensorType.Q5_K,
        [14] = TensorType.Q6_K, [15] = TensorType.Q8_K, [16] = TensorType.IQ2_XXS, [17] = TensorType.IQ2_XS, [18] = TensorType.IQ3_XXS,
        [19] = TensorType.IQ1_S, [20] = TensorType.IQ4_NL, [21] = TensorType.IQ3_S, [22] = TensorType.IQ2_S, [23] = TensorType.IQ4_XS,
        [24] = TensorType.I8, [25] = TensorType.I16, [26] = TensorType.I32, [27] = TensorType.I64, [28] = TensorType.F64, [29] = TensorType.IQ1_M,
        [30] = TensorType.BF16, [34] = TensorType.TQ1_0, [35] = TensorType.TQ2_0, [39] = TensorType.MXFP4,
    }.ToFrozenDictionary();

    /// <summary>Values that are stored together: 1, or the block length of a GGUF block type. 0 for <see cref="TensorType.Unknown"/>.</summary>
    public static int BlockSize(this TensorType type) => type switch
    {
        TensorType.Unknown => 0,
        TensorType.Q4_0 or TensorType.Q4_1 or TensorType.Q5_0 or TensorType.Q5_1 or TensorType.Q8_0 or TensorType.Q8_1 or TensorType.IQ4_NL
            or TensorType.MXFP4 => 32,
        >= TensorType.Q2_K => 256,
        _ => 1,
    };

    /// <summary>Bytes of one block of <see cref="BlockSize"/> values. 0 for <see cref="TensorType.Unknown"/>.</summary>
    public static int BlockBytes(this TensorType type) => type switch
    {
        TensorType.F64 or TensorType.I64 or TensorType.U64 or TensorType.C64 => 8,
        TensorType.F32 or TensorType.I32 or TensorType.U32 => 4,
        TensorType.F16 or TensorType.BF16 or TensorType.I16 or TensorType.U16 => 2,
        TensorType.I8 or TensorType.U8 or TensorType.Bool or TensorType.F8E4M3 or TensorType.F8E5M2 or TensorType.F8E8M0 => 1,
        TensorType.Q4_0 or TensorType.IQ4_NL => 18,
        TensorType.Q4_1 => 20,
        TensorType.Q5_0 => 22,
        TensorType.Q5_1 => 24,
        TensorType.Q8_0 => 34,
        TensorType.Q8_1 => 36,
        TensorType.Q2_K => 84,
        TensorType.Q3_K or TensorType.IQ3_S => 110,
        TensorType.Q4_K => 144,
        TensorType.Q5_K => 176,
        TensorType.Q6_K => 210,
        TensorType.Q8_K => 292,
        TensorType.IQ2_XXS or TensorType.TQ2_0 => 66,
        TensorType.IQ2_XS => 74,
        TensorType.IQ3_XXS => 98,
        TensorType.IQ1_S => 50,
        TensorType.IQ2_S => 82,
        TensorType.IQ4_XS => 136,
        TensorType.IQ1_M => 56,
        TensorType.TQ1_0 => 54,
        TensorType.MXFP4 => 17,
        _ => 0,
    };

    /// <summary>True where each value has bytes of its own, so that a tensor can be viewed as a plain array.</summary>
    public static bool IsPlain(this TensorType type) => type.BlockSize() == 1;

    /// <summary>Bytes of one value of a plain type.</summary>
    /// <exception cref="ArgumentException">The type stores values in blocks.</exception>
    public static int ElementSize(this TensorType type) =>
        type.IsPlain() ? type.BlockBytes() : throw new ArgumentException($"{type} stores values in blocks; a single value has no size of its own.", nameof(type));

    /// <summary>The dtype name in a safetensors header, such as <c>F8_E4M3</c>; null for types that safetensors does not have.</summary>
    public static string? SafetensorsName(this TensorType type)
    {
        foreach (var (name, candidate) in safetensorsOrder)
            if (candidate == type) return name;
        return null;
    }

    internal static bool TryParseSafetensors(string name, out TensorType type)
    {
        foreach (var (candidate, value) in safetensorsOrder)
        {
            if (candidate != name) continue;
            type = value;
            return true;
        }
        type = TensorType.Unknown;
        return false;
    }

    /// <summary>Position in the order of safetensors' dtypes; files are written from the highest to the lowest.</summary>
    internal static int SafetensorsRank(this TensorType type) => Array.FindIndex(safetensorsOrder, e => e.Type == type);

    internal static string SafetensorsNames => string.Join(", ", safetensorsOrder.Select(e => e.Name));

    internal static TensorType FromGgml(uint id) => ggml.GetValueOrDefault(id, TensorType.Unknown);

    /// <summary>The number of a type in a GGUF file.</summary>
    /// <exception cref="ArgumentException">GGUF has no such type.</exception>
    internal static uint GgmlId(this TensorType type)
    {
        foreach (var (id, candidate) in ggml)
            if (candidate == type) return id;
        throw new ArgumentException($"GGUF has no type {type}.", nameof(type));
    }
}
