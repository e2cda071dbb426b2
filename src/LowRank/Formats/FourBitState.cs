using System.Globalization;
using System.Text;
using System.Text.Json;
using LowRank.Adapters;
using LowRank.Quantization;

namespace LowRank.Formats;

/// <summary>The JSON of a <c>quant_state</c> tensor: what a 4-bit weight is, apart from its data.</summary>
/// <param name="OutFeatures">Rows of the weight.</param>
/// <param name="InFeatures">Columns of the weight.</param>
/// <param name="SourceType">F32, BF16 or F16: the type before quantization.</param>
/// <param name="Options">Code, block size, double quantization.</param>
/// <param name="NestedOffset">With double quantization, the mean of the scales.</param>
internal sealed record FourBitState(long OutFeatures, long InFeatures, TensorType SourceType, FourBitOptions Options, float NestedOffset)
{
    private static readonly (string Name, TensorType Type)[] types = [("float32", TensorType.F32), ("bfloat16", TensorType.BF16), ("float16", TensorType.F16)];

    /// <summary>The state of a weight.</summary>
    public static FourBitState Of(FourBitParts parts) => new(parts.OutFeatures, parts.InFeatures, parts.SourceType, parts.Options, parts.NestedOffset);

    /// <summary>Reads and checks it.</summary>
    /// <exception cref="SafetensorsException">It is no JSON, a key is missing or of another kind, or a value is not known.</exception>
    public static FourBitState Parse(ReadOnlySpan<byte> json, TensorInfo info)
    {
        try
        {
            using var document = JsonDocument.Parse(json.ToArray());
            return Read(document.RootElement, info);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or OverflowException)
        {
            throw new SafetensorsException(info.File, $"{info.File}: tensor '{info.Name}' does not hold the JSON of a 4-bit weight's state: {e.Message}", info.Name);
        }
    }

    /// <summary>The JSON as Python's <c>json.dumps</c> writes it, in bitsandbytes' order.</summary>
    public byte[] ToJson()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{{\"quant_type\": \"{Options.TypeName}\", \"blocksize\": {Options.BlockSize}, ");
        text.Append(CultureInfo.InvariantCulture, $"\"dtype\": \"{Array.Find(types, t => t.Type == SourceType).Name}\", \"shape\": [{OutFeatures}, {InFeatures}]");
        if (Options.DoubleQuantization)
            text.Append(CultureInfo.InvariantCulture,
                $", \"nested_blocksize\": {FourBitParts.NestedBlockSize}, \"nested_dtype\": \"float32\", \"nested_offset\": {PythonNumber.Format(NestedOffset)}");
        return Encoding.UTF8.GetBytes(text.Append('}').ToString());
    }

    private static FourBitState Read(JsonElement json, TensorInfo info)
    {
        var code = json.GetProperty("quant_type").GetString();
        if (code != FourBitCode.Nf4.Name && code != FourBitCode.Fp4.Name) throw FourBitCheckpoint.Error(info, $"the quant_type '{code}' is not known; nf4 and fp4 are");
        var dtype = json.GetProperty("dtype").GetString()!;
        var type = Array.Find(types, t => t.Name == dtype).Type;
        if (type == TensorType.Unknown) throw FourBitCheckpoint.Error(info, $"the dtype '{dtype}' is not known; {string.Join(", ", types.Select(t => t.Name))} are");
        var shape = json.GetProperty("shape");
        if (shape.GetArrayLength() != 2) throw FourBitCheckpoint.Error(info, $"the shape {shape} is not that of a matrix");
        var (rows, columns) = (shape[0].GetInt64(), shape[1].GetInt64());
        // The product is bounded, so that sizes computed from it do not overflow.
        if (rows <= 0 || columns <= 0 || rows > long.MaxValue / 16 / columns) throw FourBitCheckpoint.Error(info, $"the shape {shape} is not that of a matrix");
        var nested = json.TryGetProperty("nested_blocksize", out var nestedSize);
        if (nested && nestedSize.GetInt64() != FourBitParts.NestedBlockSize)
            throw FourBitCheckpoint.Error(info, $"the nested_blocksize {nestedSize} is not supported; {FourBitParts.NestedBlockSize} is");
        var offset = nested ? json.GetProperty("nested_offset").GetSingle() : 0;
        if (!float.IsFinite(offset)) throw FourBitCheckpoint.Error(info, "the nested_offset is not finite");
        return new(rows, columns, type, OptionsOf(code, json.GetProperty("blocksize").GetInt32(), nested, info), offset);
    }

    private static FourBitOptions OptionsOf(string code, int blockSize, bool nested, TensorInfo info)
    {
        try
        {
            return new() { Type = FourBitOptions.TypeOf(code), BlockSize = blockSize, DoubleQuantization = nested };
        }
        catch (LowRankException e)
        {
            throw new SafetensorsException(info.File, $"{info.File}: tensor '{info.Name}': {e.Message}", info.Name);
        }
    }
}
