namespace LowRank.Training.Data;

/// <summary>Splits a plain text that is longer than an example may be.</summary>
internal static class TextPieces
{
    /// <summary>Consecutive pieces. Nothing predicts the first token of an example, so each piece begins with the last token of the one before: every token but the text's first is a target once.</summary>
    public static Example[] Of(int[] ids, bool[] learned, DataRow row, int maxLength)
    {
        if (ids.Length <= maxLength) return [new Example(ids, learned, row)];
        var pieces = new List<Example>();
        for (var start = 0; start + 1 < ids.Length; start += maxLength - 1)
        {
            var end = Math.Min(ids.Length, start + maxLength);
            pieces.Add(new Example(ids[start..end], learned[start..end], row));
        }
        return [.. pieces];
    }
}
