using System.Globalization;

namespace LowRank.Training.Data;

/// <summary>What was lost because rows are longer than an example may be.</summary>
public sealed record TruncationReport
{
    /// <summary>The most tokens an example may have.</summary>
    public required int MaxLength { get; init; }

    /// <summary>All rows, the dropped ones included.</summary>
    public required int Rows { get; init; }

    /// <summary>Rows that were cut, the dropped ones included.</summary>
    public required int TruncatedRows { get; init; }

    /// <summary>Tokens cut off.</summary>
    public required long LostTokens { get; init; }

    /// <summary>Tokens cut off that would have been learned.</summary>
    public required long LostSupervisedTokens { get; init; }

    /// <summary>Tokens that would be learned if nothing were cut.</summary>
    public required long SupervisedTokens { get; init; }

    /// <summary>Rows that lost everything there was to learn and are left out, <c>file:line</c>.</summary>
    public required IReadOnlyList<string> Dropped { get; init; }

    /// <summary>One line for people; empty where nothing was cut.</summary>
    public override string ToString()
    {
        if (TruncatedRows == 0) return "";
        var share = SupervisedTokens == 0 ? 0 : 100.0 * LostSupervisedTokens / SupervisedTokens;
        var text = string.Create(CultureInfo.InvariantCulture,
            $"{TruncatedRows} of {Rows} rows are longer than {MaxLength} tokens and were cut: {LostSupervisedTokens} supervised tokens lost ({share:0.##} %)");
        if (Dropped.Count == 0) return text;
        var named = string.Join(", ", Dropped.Take(5)) + (Dropped.Count > 5 ? ", …" : "");
        return text + string.Create(CultureInfo.InvariantCulture, $"; {Dropped.Count} {(Dropped.Count == 1 ? "row lost all of them and is" : "rows lost all of them and are")} left out: {named}");
    }
}
