namespace LowRank.Training.Packing;

/// <summary>
/// Batches without padding, and with what several of their sequences begin with once: a system prompt, an instruction, the prompt of two answers. Each batch becomes one row, of which a
/// sequence sees its own tokens and those of its beginning, wherever that stands. As tokens see what they saw before, losses and gradients are the same but for the order of sums.
/// </summary>
internal sealed class CompactBatch
{
    // Fewer tokens in common are not worth a second range of keys.
    private const int LeastShared = 8;

    private CompactBatch(int rows, int length, long places)
    {
        (Rows, Length) = (rows, length);
        var size = rows * length;
        (InputIds, Positions, Starts, Shared, Places) = (new long[size], new long[size], new int[size], new (int, int)[size], new long[places]);
    }

    /// <summary>Number of rows: that of the batches.</summary>
    public int Rows { get; }

    /// <summary>Tokens of a row, padding of shorter batches included.</summary>
    public int Length { get; }

    /// <summary>Token ids, [rows, length].</summary>
    public long[] InputIds { get; }

    /// <summary>Position of a token in its whole sequence, [rows, length].</summary>
    public long[] Positions { get; }

    /// <summary>Where the tokens of its sequence that stand together begin in the row, [rows, length].</summary>
    public int[] Starts { get; }

    /// <summary>The places before them which hold the beginning of the sequence; equal numbers where it shares none, [rows, length].</summary>
    public (int Start, int End)[] Shared { get; }

    /// <summary>Where each token of the batches stands, by its place in them, one below another; that of padding means nothing.</summary>
    public long[] Places { get; }

    /// <summary>The batches in fewer tokens, or null where that saves less than a tenth.</summary>
    /// <param name="batches">At least one, of any widths.</param>
    /// <param name="padTokenId">Fills the rows of batches that need fewer tokens than others.</param>
    public static CompactBatch? Of(IReadOnlyList<Batch> batches, long padTokenId = 0)
    {
        var (width, rows) = (batches.Max(b => b.Length), batches.Sum(b => b.Rows));
        var sequences = batches.Select(SequencesOf).ToArray();
        var length = sequences.Max(own => own.Sum(s => s.Length - s.Common));
        if (length == 0 || (long)length * batches.Count * 10 > (long)width * rows * 9) return null;
        var compact = new CompactBatch(batches.Count, length, (long)width * rows);
        for (int i = 0, before = 0; i < batches.Count; before += batches[i++].Rows) compact.Fill(i, batches[i], sequences[i], width, before, padTokenId);
        return compact;
    }

    private void Fill(int row, Batch batch, List<Sequence> sequences, int width, int rowsBefore, long padTokenId)
    {
        var (begin, next) = (row * Length, 0);
        foreach (var sequence in sequences)
        {
            var root = sequence.Root is { } index ? sequences[index].Place : 0;
            sequence.Place = next;
            var (line, column) = Math.DivRem(sequence.Offset, batch.Length);
            var outer = (long)(rowsBefore + line) * width + column;
            for (var t = 0; t < sequence.Length; t++)
            {
                if (t < sequence.Common)
                {
                    Places[outer + t] = begin + root + t;
                    continue;
                }
                var at = begin + next++;
                (InputIds[at], Positions[at], Starts[at]) = (batch.InputIds[sequence.Offset + t], batch.Positions[sequence.Offset + t], sequence.Place);
                Shared[at] = (root, root + sequence.Common);
                Places[outer + t] = at;
            }
        }
        // What is left is a sequence of its own, of which nobody sees anything.
        for (var (start, at) = (next, begin + next); at < begin + Length; at++) (InputIds[at], Positions[at], Starts[at]) = (padTokenId, at - begin - start, start);
    }

    // Which sequence takes its beginning from which: one that stands whole in the row. In their order, each becomes either the follower of the one with which it has most in common, or, where
    // the later ones gain more by that, one that stands whole.
    private static List<Sequence> SequencesOf(Batch batch)
    {
        var found = Find(batch);
        var (best, common) = (new (int Root, int Common)[found.Count], new int[found.Count]);
        for (var i = 0; i < found.Count; i++)
        {
            var gain = 0;
            for (var j = i + 1; j < found.Count; j++)
            {
                common[j] = Common(batch.InputIds, found[i], found[j]);
                gain += Math.Max(0, common[j] - best[j].Common);
            }
            if (best[i].Common > 0 && best[i].Common >= gain)
            {
                (found[i].Root, found[i].Common) = (best[i].Root, best[i].Common);
                continue;
            }
            for (var j = i + 1; j < found.Count; j++)
                if (common[j] > best[j].Common) best[j] = (i, common[j]);
        }
        return found;
    }

    private static int Common(long[] ids, Sequence a, Sequence b)
    {
        var same = ids.AsSpan(a.Offset, a.Length).CommonPrefixLength(ids.AsSpan(b.Offset, b.Length));
        return same < LeastShared ? 0 : same;
    }

    private static List<Sequence> Find(Batch batch)
    {
        var found = new List<Sequence>();
        for (var row = 0; row < batch.Rows; row++)
        {
            var ids = batch.SequenceIds.AsSpan(row * batch.Length, batch.Length);
            for (var t = 0; t < ids.Length;)
            {
                var start = t;
                while (++t < ids.Length && ids[t] == ids[start]) { }
                if (ids[start] != 0) found.Add(new Sequence(row * batch.Length + start, t - start));
            }
        }
        return found;
    }

    // Offset: its first token in the batch's arrays.
    private sealed class Sequence(int offset, int length)
    {
        public int Offset { get; } = offset;

        public int Length { get; } = length;

        public int? Root { get; set; }

        public int Common { get; set; }

        public int Place { get; set; }
    }
}
