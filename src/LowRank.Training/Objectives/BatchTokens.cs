using LowRank.Training.Packing;

namespace LowRank.Training.Objectives;

/// <summary>
/// The tokens of a batch that a loss looks at. This is the one place where labels are shifted: the state at token t predicts the token at t + 1.
/// </summary>
/// <param name="Places">Where the predicting states stand in the flattened batch.</param>
/// <param name="Targets">The tokens that they are to predict.</param>
/// <param name="Sequences">The sequence that each belongs to: numbered row after row, as <see cref="Batch.Examples"/> are, or by rows where the batch holds preferences.</param>
/// <param name="AreLabels">Whether each is one of the batch's labels; others are looked at for the sake of the text before them.</param>
internal sealed record BatchTokens(long[] Places, long[] Targets, int[] Sequences, bool[] AreLabels)
{
    /// <summary>The labels of a batch.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="wholeRows">So many rows, from the first, with all their tokens.</param>
    public static BatchTokens Of(Batch batch, int wholeRows = 0)
    {
        var (places, targets, sequences, areLabels) = (new List<long>(batch.SupervisedTokens), new List<long>(batch.SupervisedTokens), new List<int>(batch.SupervisedTokens), new List<bool>(batch.SupervisedTokens));
        var before = 0;
        for (var row = 0; row < batch.Rows; row++)
        {
            var inRow = 0L;
            for (var t = 0; t < batch.Length; t++)
            {
                var at = row * batch.Length + t;
                inRow = Math.Max(inRow, batch.SequenceIds[at]);
                if (t == 0) continue;
                var isLabel = batch.Labels[at] != Batch.IgnoredLabel;
                if (!isLabel && !(row < wholeRows && batch.SequenceIds[at] != 0 && batch.SequenceIds[at] == batch.SequenceIds[at - 1])) continue;
                places.Add(at - 1);
                targets.Add(isLabel ? batch.Labels[at] : batch.InputIds[at]);
                sequences.Add(before + (int)batch.SequenceIds[at] - 1);
                areLabels.Add(isLabel);
            }
            before += (int)inRow;
        }
        return new BatchTokens([.. places], [.. targets], [.. sequences], [.. areLabels]);
    }

    /// <summary>Sums values of the labels by sequence.</summary>
    /// <param name="values">A value for each token.</param>
    /// <param name="count">How many sequences there are.</param>
    public double[] SumBySequence(ReadOnlySpan<double> values, int count)
    {
        var sums = new double[count];
        for (var i = 0; i < Sequences.Length; i++)
            if (AreLabels[i]) sums[Sequences[i]] += values[i];
        return sums;
    }
}
