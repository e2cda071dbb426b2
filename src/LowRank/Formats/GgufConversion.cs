using System.Text.Json.Nodes;

namespace LowRank.Formats;

/// <summary>How a GGUF tensor, or an expert's part of one, becomes one Hugging Face tensor in bf16.</summary>
internal sealed unsafe class GgufConversion
{
    private readonly TensorInfo source;
    private readonly long headRows; // rows of one attention head whose order is undone, or 0
    private readonly bool minusOne;
    private readonly bool isTransposed;
    private readonly long firstRow; // of the source: where an expert begins

    private GgufConversion(TensorInfo source, TensorInfo target, long headRows = 0, bool minusOne = false, bool isTransposed = false, long firstRow = 0)
    {
        (this.source, this.headRows, this.minusOne, this.isTransposed, this.firstRow) = (source, headRows, minusOne, isTransposed, firstRow);
        Target = target;
        Rows = target.Shape.Length == 0 ? 1 : target.Shape[0];
        Columns = Rows == 0 ? 0 : target.Elements / Rows;
    }

    public TensorInfo Target { get; }

    public long Rows { get; }

    /// <summary>Values in a row.</summary>
    public long Columns { get; }

    /// <summary>The conversions of a tensor: one, or one for each expert whose matrices lie in it.</summary>
    /// <exception cref="GgufException">The architecture has no such tensor, the type is not supported, or rows cannot be put back into order.</exception>
    public static IEnumerable<GgufConversion> AllOf(GgufArchitecture architecture, GgufFile file, TensorInfo source, JsonObject config)
    {
        var name = GgufNames.ToHuggingFace(architecture, source.Name)
            ?? throw new GgufException(file.Path, $"{file.Path}: tensor '{source.Name}' is not one of the {architecture.ModelType} architecture.", source.Name);
        if (!GgufDequantizer.Supports(source.Type)) _ = file.Pointer(source); // names an unknown type by its number
        if (!GgufDequantizer.Supports(source.Type))
            throw new GgufException(file.Path, $"{file.Path}: tensor '{source.Name}' has the GGUF type {source.Type}, which is not supported; supported are {GgufDequantizer.SupportedNames}. Take the model in another quantization.", source.Name);
        if (name.Contains("{0}", StringComparison.Ordinal)) return Experts(file, source, name);
        if (architecture.IsTransposed && GgufNames.IsLayerMatrix(source))
        {
            if (source.Shape[1] % source.Type.BlockSize() != 0) throw new GgufException(file.Path, $"{file.Path}: rows of tensor '{source.Name}' are no whole blocks of {source.Type}.", source.Name);
            return [new(source, Named(file, source, name, [source.Shape[1], source.Shape[0]]), isTransposed: true)];
        }
        return [Of(architecture, file, source, Named(file, source, name, source.Shape), config)];
    }

    private static TensorInfo Named(GgufFile file, TensorInfo source, string name, long[] shape) =>
        new(name, TensorType.BF16, shape, source.Offset, shape.Aggregate(1L, (a, b) => a * b) * 2, file.Path);

    private static GgufConversion[] Experts(GgufFile file, TensorInfo source, string name)
    {
        if (source.Shape is not [var count, var rows, var columns] || columns % source.Type.BlockSize() != 0)
            throw new GgufException(file.Path, $"{file.Path}: tensor '{source.Name}' of shape {source.ShapeText} is not the matrices of all experts.", source.Name);
        return [.. Enumerable.Range(0, checked((int)count)).Select(i =>
            new GgufConversion(source, Named(file, source, name.Replace("{0}", i.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal), [rows, columns]), firstRow: i * rows))];
    }

    private static GgufConversion Of(GgufArchitecture architecture, GgufFile file, TensorInfo source, TensorInfo target, JsonObject config)
    {
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
        if (isTransposed) ConvertTransposed(blocks, first, count, target);
        else if (headRows > 0) ConvertHeads(blocks, first, count, target);
        else if (minusOne) ConvertNorm(blocks, first * Columns, count * Columns, target);
        else if ((firstRow + first) * Columns % source.Type.BlockSize() == 0) GgufDequantizer.Dequantize(source.Type, blocks + At(first), count * Columns, target);
        else throw new ArgumentException($"Row {first} of '{source.Name}' is within a block of {source.Type}.", nameof(first));
    }

    /// <summary>Lets go of the mapped pages that hold rows [first, first + count); in reordered tensors these are about the right ones.</summary>
    public void DropSource(GgufFile file, long first, long count)
    {
        // Every row of a transposed tensor has something of every page: they go after the last one.
        if (!isTransposed) file.DropPages(source with { Offset = source.Offset + At(first), ByteLength = At(first + count) - At(first) });
        else if (first + count == Rows) file.DropPages(source);
    }

    private long At(long row) => (firstRow + row) * Columns / source.Type.BlockSize() * source.Type.BlockBytes();

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

    // Target row r is column r of the source: each source row is decoded, and the wanted part of it goes down one column.
    private void ConvertTransposed(byte* blocks, long first, long count, ushort* target)
    {
        var stride = Rows / source.Type.BlockSize() * source.Type.BlockBytes();
        Parallel.For(0, Columns, () => new ushort[Rows], (column, _, row) =>
        {
            fixed (ushort* decoded = row)
            {
                GgufDequantizer.DecodeRounded(source.Type, blocks + column * stride, Rows, decoded);
                for (var i = 0L; i < count; i++) target[i * Columns + column] = decoded[first + i];
            }
            return row;
        }, _ => { });
    }
}
