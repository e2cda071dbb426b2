using LowRank.Training.Data.Reading;

namespace LowRank.Training.Data.Rows;

/// <summary>Where the rows of a file stand: 20 bytes a row, instead of the row.</summary>
internal sealed class RowPlaces
{
    private readonly List<long> offsets = [];
    private readonly List<int> lengths = [], lines = [], numbers = [];
    private bool inArray, isTable;

    public int Count => offsets.Count;

    public void Add(RawRow row)
    {
        offsets.Add(row.Place.Offset);
        lengths.Add(row.Place.Length);
        lines.Add(row.Line);
        numbers.Add(row.Number);
        (inArray, isTable) = (row.InArray, row.IsTable);
    }

    public int Line(int row) => lines[row];

    /// <summary>The row again.</summary>
    public RawRow Fetch(RowFile file, int row)
    {
        var place = new RowPlace(offsets[row], lengths[row]);
        return new RawRow(file.Fetch(place), lines[row], numbers[row], inArray, place, isTable);
    }
}
