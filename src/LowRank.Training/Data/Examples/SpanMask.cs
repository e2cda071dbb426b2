namespace LowRank.Training.Data;

/// <summary>Finds the tokens of stretches of text by position.</summary>
internal static class SpanMask
{
    /// <summary>
    /// Marks the tokens that belong to a span: those that hold its first or its last character, and all that stand between. So a token
    /// that reaches over the border of a turn counts, as in Transformers' assistant masks.
    /// </summary>
    /// <param name="offsets">For each token the range of the text that it stands for, [start, end) in code points, in ascending order.</param>
    /// <param name="spans">Ranges of the text, [start, end) in code points, in ascending order. An empty one marks the token around it, if any, as in Transformers.</param>
    public static bool[] Mark(ReadOnlySpan<(int Start, int End)> offsets, IReadOnlyList<(int Start, int End)> spans)
    {
        var marks = new bool[offsets.Length];
        var first = 0;
        foreach (var (start, end) in spans)
        {
            while (first < offsets.Length && offsets[first].End <= start) first++;
            var last = first - 1;
            for (var t = first; t < offsets.Length; t++)
            {
                // Tokens that the tokenizer adds, such as a BOS, stand for no text: they count between others only.
                if (offsets[t].End <= offsets[t].Start) continue;
                if (offsets[t].Start >= end) break;
                last = t;
            }
            marks.AsSpan(first, last - first + 1).Fill(true);
            // The next span may begin within this span's last token.
            first = Math.Max(first, last);
        }
        return marks;
    }
}
