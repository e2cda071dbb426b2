using LowRank.Models.Tokenization.Patterns;
using LowRank.Models.Tokenization.Text;

namespace LowRank.Models.Tokenization.PreTokenization;

/// <summary>What becomes of a delimiter that a split finds.</summary>
internal enum SplitBehavior
{
    Removed,
    Isolated,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous,
}

/// <summary>Cuts at the matches of a pattern. With <paramref name="invert"/> what is between the matches is the delimiter.</summary>
internal sealed class SplitPreTokenizer(TextPattern pattern, SplitBehavior behavior, bool invert) : PreTokenizer
{
    /// <inheritdoc/>
    public override void Apply(WorkingText text, NormalizedText buffer) => text.Split(this, static (t, piece, self) => self.Cut(t, piece));

    private void Cut(WorkingText text, Piece piece)
    {
        if (behavior is SplitBehavior.Isolated or SplitBehavior.Removed) CutSimple(text, piece);
        else CutMerging(text, piece);
    }

    private void CutSimple(WorkingText text, Piece piece)
    {
        var (keepMatch, keepGap) = behavior == SplitBehavior.Isolated ? (true, true) : (invert, !invert);
        var bytes = text.Bytes[piece.Start..piece.End];
        var previous = 0;
        var cursor = default(MatchCursor);
        while (cursor.Next(pattern, bytes, out var start, out var end))
        {
            if (keepGap) text.Emit(piece.Start + previous, piece.Start + start);
            if (keepMatch) text.Emit(piece.Start + start, piece.Start + end);
            previous = end;
        }
        if (keepGap) text.Emit(piece.Start + previous, piece.End);
    }

    private void CutMerging(WorkingText text, Piece piece)
    {
        var parts = Parts(text.Bytes[piece.Start..piece.End]);
        if (behavior == SplitBehavior.MergedWithNext) parts.Reverse();
        var merged = new List<(int Start, int End)>(parts.Count);
        var previousIsDelimiter = false;
        foreach (var (start, end, isDelimiter) in parts)
        {
            var joins = behavior == SplitBehavior.Contiguous ? isDelimiter == previousIsDelimiter : isDelimiter && !previousIsDelimiter;
            if (joins && merged.Count > 0)
                merged[^1] = behavior == SplitBehavior.MergedWithNext ? (start, merged[^1].End) : (merged[^1].Start, end);
            else
                merged.Add((start, end));
            previousIsDelimiter = isDelimiter;
        }
        if (behavior == SplitBehavior.MergedWithNext) merged.Reverse();
        foreach (var (start, end) in merged) text.Emit(piece.Start + start, piece.Start + end);
    }

    /// <summary>The text in order as delimiters and what is between them.</summary>
    private List<(int Start, int End, bool IsDelimiter)> Parts(ReadOnlySpan<byte> bytes)
    {
        var parts = new List<(int, int, bool)>();
        var previous = 0;
        var cursor = default(MatchCursor);
        while (cursor.Next(pattern, bytes, out var start, out var end))
        {
            if (previous != start) parts.Add((previous, start, invert));
            parts.Add((start, end, !invert));
            previous = end;
        }
        if (previous != bytes.Length) parts.Add((previous, bytes.Length, invert));
        return parts;
    }
}
