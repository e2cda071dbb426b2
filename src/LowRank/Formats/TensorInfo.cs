namespace LowRank.Formats;

/// <summary>Where a tensor lies in a file and how it is encoded. It holds no data.</summary>
/// <param name="Name">The name in the file.</param>
/// <param name="Type">The encoding of the elements.</param>
/// <param name="Shape">Row-major dimensions, the fastest last, as in Hugging Face files (GGUF stores them the other way round). Empty for a scalar.</param>
/// <param name="Offset">Bytes from the start of the file to the first byte of the tensor.</param>
/// <param name="ByteLength">Bytes that the tensor takes.</param>
/// <param name="File">Full path of the file.</param>
public sealed record TensorInfo(string Name, TensorType Type, long[] Shape, long Offset, long ByteLength, string File)
{
    /// <summary>Number of elements: the product of <see cref="Shape"/>, 1 for a scalar.</summary>
    public long Elements
    {
        get
        {
            long product = 1;
            foreach (var n in Shape) product *= n;
            return product;
        }
    }

    /// <summary>The shape as text, such as <c>[49152, 576]</c>.</summary>
    public string ShapeText => ShapeOf(Shape);

    internal static string ShapeOf(ReadOnlySpan<long> shape)
    {
        var text = new System.Text.StringBuilder("[");
        for (var i = 0; i < shape.Length; i++)
            text.Append(i == 0 ? "" : ", ").Append(System.Globalization.CultureInfo.InvariantCulture, $"{shape[i]}");
        return text.Append(']').ToString();
    }
}
