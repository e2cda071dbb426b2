namespace LowRank.Training.Data.Reading;

/// <summary>The JSON text of one row, before it is parsed.</summary>
/// <param name="Json">The bytes of one JSON value; they may be changed in place and live until the next row.</param>
/// <param name="Line">The 1-based line on which it begins; for Parquet the number of the row.</param>
/// <param name="Number">The 1-based number of the row.</param>
/// <param name="InArray">True for an element of an array, whose number says more than its line.</param>
/// <param name="Place">Where it can be found again.</param>
/// <param name="IsTable">True for a row of a CSV or TSV file, all of whose values are texts.</param>
internal readonly record struct RawRow(Memory<byte> Json, int Line, int Number, bool InArray = false, RowPlace Place = default, bool IsTable = false);
