namespace LowRank.Training.Data;

/// <summary>What a data set amounts to in tokens. Lengths are those before truncation.</summary>
public sealed record DatasetStatistics
{
    /// <summary>Rows in the file.</summary>
    public required int Rows { get; init; }

    /// <summary>Tokens after truncation.</summary>
    public required long Tokens { get; init; }

    /// <summary>Tokens that the loss counts, after truncation.</summary>
    public required long SupervisedTokens { get; init; }

    /// <summary><see cref="SupervisedTokens"/> ÷ <see cref="Tokens"/>, from 0 to 1.</summary>
    public double SupervisedShare => Tokens == 0 ? 0 : (double)SupervisedTokens / Tokens;

    /// <summary>Tokens of the shortest row.</summary>
    public required int MinLength { get; init; }

    /// <summary>Half of the rows have at most this many tokens.</summary>
    public required int MedianLength { get; init; }

    /// <summary>95 % of the rows have at most this many tokens.</summary>
    public required int Percentile95Length { get; init; }

    /// <summary>Tokens of the longest row.</summary>
    public required int MaxLength { get; init; }

    /// <summary>Rows that are cut.</summary>
    public required int TruncatedRows { get; init; }

    /// <summary>Rows that lose everything there is to learn.</summary>
    public required int DroppedRows { get; init; }

    /// <summary>Supervised tokens that are cut off.</summary>
    public required long LostSupervisedTokens { get; init; }

    internal static DatasetStatistics Of(IReadOnlyList<Example> examples, int rows, TruncationReport truncation)
    {
        var lengths = examples.Select(e => e.Length + e.LostTokens).Order().ToArray();
        // The nearest-rank percentile: the smallest length that at least this share of the rows does not exceed.
        int At(double share) => lengths.Length == 0 ? 0 : lengths[Math.Max(0, (int)Math.Ceiling(share * lengths.Length) - 1)];
        var kept = examples.Where(e => e.SupervisedTokens > 0).ToArray();
        return new DatasetStatistics
        {
            Rows = rows,
            Tokens = kept.Sum(e => (long)e.Length),
            SupervisedTokens = kept.Sum(e => (long)e.SupervisedTokens),
            MinLength = At(0),
            MedianLength = At(0.5),
            Percentile95Length = At(0.95),
            MaxLength = At(1),
            TruncatedRows = truncation.TruncatedRows,
            DroppedRows = truncation.Dropped.Count,
            LostSupervisedTokens = truncation.LostSupervisedTokens,
        };
    }
}
