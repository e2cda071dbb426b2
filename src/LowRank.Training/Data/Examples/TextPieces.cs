namespace LowRank.Training.Data;

/// <summary>Splits a plain text that is longer than an example may be.</summary>
internal static class TextPieces
{
    /// <summary>
    /// Where consecutive pieces of a text stand. Nothing predicts the first token of an example, so each piece begins with the last token of the one before: every token but the text's
    /// first is a target once.
    /// </summary>
    /// <param name="length">Tokens of the text.</param>
    /// <param name="maxLength">The most tokens of a piece, from 2.</param>
    public static IEnumerable<(int Start, int Length)> Of(int length, int maxLength)
    {
        if (length <= maxLength) yield return (0, length);
        else
            for (var start = 0; start + 1 < length; start += maxLength - 1) yield return (start, Math.Min(maxLength, length - start));
    }

    /// <summary>The pieces of an example; itself where it is no longer than that. Only plain texts are longer: other rows are cut already.</summary>
    public static Example[] Of(Example whole, int maxLength) => whole.Length <= maxLength ? [whole]
        : [.. Of(whole.Length, maxLength).Select((piece, number) => new Example(
            whole.InputIds.Slice(piece.Start, piece.Length).ToArray(), whole.Supervised.Slice(piece.Start, piece.Length).ToArray(), whole.Row) { Piece = number })];
}
