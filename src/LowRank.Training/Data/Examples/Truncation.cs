namespace LowRank.Training.Data;

/// <summary>Cuts examples on the right, and counts what that costs.</summary>
internal static class Truncation
{
    /// <summary>The first tokens of a row, at most <paramref name="maxLength"/>.</summary>
    public static Example Cut(int[] ids, bool[] learned, DataRow row, int maxLength)
    {
        if (ids.Length <= maxLength) return new Example(ids, learned, row) { IsGood = row.Label };
        return new Example(ids[..maxLength], learned[..maxLength], row)
        {
            IsGood = row.Label,
            LostTokens = ids.Length - maxLength,
            LostSupervisedTokens = learned.AsSpan(maxLength).Count(true),
        };
    }

    /// <summary>Both answers of a preference, each with its prompt. What both lose is told of the pair.</summary>
    public static Example Cut((int[] Ids, bool[] Learned) chosen, (int[] Ids, bool[] Learned) rejected, DataRow row, int maxLength)
    {
        var (better, worse) = (Cut(chosen.Ids, chosen.Learned, row, maxLength), Cut(rejected.Ids, rejected.Learned, row, maxLength));
        return new Example([.. better.InputIds], [.. better.Supervised], row)
        {
            Rejected = worse,
            LostTokens = better.LostTokens + worse.LostTokens,
            LostSupervisedTokens = better.LostSupervisedTokens + worse.LostSupervisedTokens,
        };
    }

    /// <summary>What all examples lost; those that have nothing left to learn are the dropped ones.</summary>
    public static TruncationReport Report(IReadOnlyList<Example?> examples, int maxLength)
    {
        var (truncated, lost, lostSupervised, supervised) = (0, 0L, 0L, 0L);
        var dropped = new List<string>();
        foreach (var example in examples)
        {
            if (example is null) continue;
            if (example.LostTokens > 0) truncated++;
            lost += example.LostTokens;
            lostSupervised += example.LostSupervisedTokens;
            supervised += example.SupervisedTokens + (example.Rejected?.SupervisedTokens ?? 0) + example.LostSupervisedTokens;
            if (!example.HasSupervised) dropped.Add(example.Row?.Place ?? "");
        }
        return new TruncationReport
        {
            MaxLength = maxLength,
            Rows = examples.Count,
            TruncatedRows = truncated,
            LostTokens = lost,
            LostSupervisedTokens = lostSupervised,
            SupervisedTokens = supervised,
            Dropped = dropped,
        };
    }
}
