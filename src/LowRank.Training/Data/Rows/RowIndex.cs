namespace LowRank.Training.Data.Rows;

/// <summary>What reading through a file found out.</summary>
/// <param name="Format">The shape of the rows.</param>
/// <param name="Columns">What fields are called.</param>
/// <param name="Places">Where the rows stand.</param>
/// <param name="Skipped">Rows that were left out.</param>
/// <param name="Problems">What was odd.</param>
/// <param name="NothingToLearn">Rows that hold nothing to learn, and why.</param>
internal sealed record RowIndex(DataFormat Format, IReadOnlyDictionary<string, string> Columns, RowPlaces Places, int Skipped, IReadOnlyList<Problem> Problems, IReadOnlyList<(int Row, string Reason)> NothingToLearn);
