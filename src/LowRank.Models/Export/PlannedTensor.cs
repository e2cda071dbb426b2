using LowRank.Formats;

namespace LowRank.Models.Export;

/// <summary>A tensor of a GGUF file in the making.</summary>
/// <param name="Name">Its name in GGUF.</param>
/// <param name="Type">Its type there.</param>
/// <param name="Shape">Its row-major shape.</param>
internal sealed record PlannedTensor(string Name, TensorType Type, long[] Shape)
{
    /// <summary>The tensor of the checkpoint, or null where <see cref="Values"/> are made.</summary>
    public TensorInfo? Source { get; init; }

    /// <summary>The values of a tensor that stands in no checkpoint.</summary>
    public float[]? Values { get; init; }

    /// <summary>Rows of an attention head whose two halves are interleaved, or 0.</summary>
    public long HeadRows { get; init; }

    /// <summary>Whether one is added to each value.</summary>
    public bool PlusOne { get; init; }

    /// <summary>Rows; each element of a vector is one.</summary>
    public long Rows => Shape[0];

    /// <summary>Values in a row.</summary>
    public long Columns => Shape.Length == 1 ? 1 : Shape.Skip(1).Aggregate(1L, (a, b) => a * b);

    /// <summary>The row of the checkpoint that stands at a row of the file: GGUF has (head, i, half) where the checkpoint has (head, half, i).</summary>
    public long SourceRow(long row)
    {
        if (HeadRows == 0) return row;
        var within = row % HeadRows;
        return row - within + within % 2 * (HeadRows / 2) + within / 2;
    }
}
