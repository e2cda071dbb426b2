using LowRank.Training.Data.Formats;
using LowRank.Training.Data.Reading;

namespace LowRank.Training.Data.Rows;

/// <summary>Rows of a file that is too large to be kept: each is read and parsed again when it is asked for.</summary>
internal sealed class StreamedRows(RowFile file, RowPlaces places, DataFormat format, DatasetOptions options, IReadOnlyList<(int Row, string Reason)> nothingToLearn, RowOrigin origin)
    : RowList([origin], file.ContentBytes)
{
    /// <inheritdoc/>
    public override int Count => places.Count;

    /// <inheritdoc/>
    public override IReadOnlyList<(int Row, string Reason)> NothingToLearn => nothingToLearn;

    /// <inheritdoc/>
    public override DataRow this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, places.Count);
            var raw = places.Fetch(file, index);
            // What is odd about the row was told when the file was read.
            var told = new ProblemList(file.Path);
            return RowParser.Parse(raw, told) is { } json && RowFormats.Read(format, new RowContext(raw with { Json = default }, json, options, told)) is { } row
                ? row : throw new LowRankException($"{file.Path}:{raw.Line}: the row is another one than when the file was opened. Leave the file as it is while it is trained on.");
        }
    }
}
