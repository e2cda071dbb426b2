using System.Runtime.InteropServices;
using LowRank.Training.Data.Reading;

namespace LowRank.Training.Data.Rows;

/// <summary>Where the rows of a file stand: 20 bytes a row, instead of the row.</summary>
internal sealed class RowPlaces
{
    private readonly List<long> offsets;
    private readonly List<int> lengths, lines, numbers;

    public RowPlaces() : this([], [], [], [], inArray: false, isTable: false)
    {
    }

    public RowPlaces(long[] offsets, int[] lengths, int[] lines, int[] numbers, bool inArray, bool isTable)
    {
        (this.offsets, this.lengths, this.lines, this.numbers) = ([.. offsets], [.. lengths], [.. lines], [.. numbers]);
        (InArray, IsTable) = (inArray, isTable);
    }

    public int Count => offsets.Count;

    /// <summary>Whether the rows are called by their numbers, as those of an array.</summary>
    public bool InArray { get; private set; }

    /// <summary>Whether they are records of a table.</summary>
    public bool IsTable { get; private set; }

    public ReadOnlySpan<long> Offsets => CollectionsMarshal.AsSpan(offsets);
    public ReadOnlySpan<int> Lengths => CollectionsMarshal.AsSpan(lengths);
    public ReadOnlySpan<int> Lines => CollectionsMarshal.AsSpan(lines);
    public ReadOnlySpan<int> Numbers => CollectionsMarshal.AsSpan(numbers);

    public void Add(RawRow row)
    {
        offsets.Add(row.Place.Offset);
        lengths.Add(row.Place.Length);
        lines.Add(row.Line);
        numbers.Add(row.Number);
        (InArray, IsTable) = (row.InArray, row.IsTable);
    }

    /// <summary>The row again.</summary>
    public RawRow Fetch(RowFile file, int row)
    {
        var place = new RowPlace(offsets[row], lengths[row]);
        return new RawRow(file.Fetch(place), lines[row], numbers[row], InArray, place, IsTable);
    }
}
