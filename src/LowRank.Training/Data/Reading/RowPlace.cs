namespace LowRank.Training.Data.Reading;

/// <summary>Where a row can be found again: a stretch of bytes of its file, or for Parquet a row group and a row in it.</summary>
/// <param name="Offset">The first byte; for Parquet the row group.</param>
/// <param name="Length">How many bytes; for Parquet the row in its group, from 0.</param>
internal readonly record struct RowPlace(long Offset, int Length);
