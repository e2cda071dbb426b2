using System.Text.Json.Nodes;

namespace LowRank.Formats;

/// <summary>How one GGUF tensor becomes one Hugging Face tensor in bf16.</summary>
internal sealed unsafe class GgufConversion
{
    private readonly TensorInfo source;
    private readonly long headRows; // rows of one attention head whose order is undone, or 0
    private readonly bool minusOne;

    private GgufConversion(TensorInfo source, TensorInfo target, long headRows, bool minusOne)
    {
        this.source = source;
        Target = target;
        this.headRows = headRows;
        this.minusOne = minusOne;
        Rows = source.Shape.Length == 0 ? 1 : source.Shape[0];
        Columns = Rows == 0 ? 0 : source.Elements / Rows;
    }

    public TensorInfo Target { get; }

    public long Rows { get; }

    /// <summary>Values in a row.</summary>
    public long Columns { get; }

    /// <exception cref="GgufException">The type is not supported, or rows cannot be put back into order.</exception>
    public static GgufConversion Of(GgufArchitecture architecture, GgufFile file, TensorInfo source, TensorInfo target, JsonObject config)
    {
        if (!GgufDequantizer.Supports(source.Type)) _ = file.Pointer(source); // names an unknown type by its number
        if (!GgufDequantizer.Supports(source.Type))
            throw new GgufException(file.Path, $"{file.Path}: tensor '{source.Name}' has the GGUF type {source.Type}, which is not supported; supported are {GgufDequantizer.SupportedNames}. Take the model in another quantization.", source.Name);
        long headRows = 0;
        if (architecture.InterleavedHeads && GgufNames.IsQuery(source.Name) is { } query)
        {
            var heads = (long)config[query ? "num_attention_heads" : "num_key_value_heads"]!;
            if (source.Shape.Length == 0 || heads <= 0 || source.Shape[0] % (2 * heads) != 0)
                throw new GgufException(file.Path, $"{file.Path}: tensor '{source.Name}' of shape {source.ShapeText} does not divide into {heads} heads of two halves.", source.Name);
            headRows = source.Shape[0] / heads;
        }
        var conversion = new GgufConversion(source, target, headRows, architecture.NormsPlusOne && GgufNames.IsNorm(source.Name));
        if (conversion.Columns % source.Type.BlockSize() != 0 && (headRows > 0 || conversion.minusOne))
            throw new GgufException(file.Path, $"{file.Path}: vector '{source.Name}' is quantized as {source.Type}, which is not supported for vectors that have to be changed.", source.Name);
        return conversion;
    }

    /// <summary>Converts rows [first, first + count) of the target.</summary>
    public void Convert(GgufFile file, long first, long count, ushort* target)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first + count, Rows);
        if (count == 0 || Columns == 0) return;
        var blocks = file.Pointer(source);
        if (headRows > 0) ConvertHeads(blocks, first, count, target);
        else if (minusOne) ConvertNorm(blocks, first * Columns, count * Columns, target);
        else if (first * Columns % source.Type.BlockSize() == 0) GgufDequantizer.Dequantize(source.Type, blocks + At(first), count * Columns, target);
        else throw new ArgumentException($"Row {first} of '{source.Name}' is within a block of {source.Type}.", nameof(first));
    }

    /// <summary>Lets go of the mapped pages that hold rows [first, first + count); in reordered tensors these are about the right ones.</summary>
    public void DropSource(GgufFile file, long first, long count) =>
        file.DropPages(source with { Offset = source.Offset + At(first), ByteLength = At(first + count) - At(first) });

    private long At(long row) => row * Columns / source.Type.BlockSize() * source.Type.BlockBytes();

    // GGUF row (head, i, half) is Hugging Face row (head, half, i): rotary pairs side by side against two halves.
    private void ConvertHeads(byte* blocks, long first, long count, ushort* target) => Parallel.For(0, count, n =>
    {
        var row = first + n;
        var within = row % headRows;
        var from = row - within + within % (headRows / 2) * 2 + within / (headRows / 2);
        GgufDequantizer.DecodeRounded(source.Type, blocks + At(from), Columns, target + n * Columns);
    });

    private void ConvertNorm(byte* blocks, long first, long count, ushort* target)
    {
        var values = new float[checked((int)count)];
        fixed (float* to = values) GgufDequantizer.Dequantize(source.Type, blocks + first / source.Type.BlockSize() * source.Type.BlockBytes(), count, to);
        for (var i = 0; i < values.Length; i++) values[i] -= 1f;
        FloatConversion.SingleToBFloat16(values, new Span<ushort>(target, values.Length));
    }
}
