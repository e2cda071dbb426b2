using LowRank.RandomNumbers;
using LowRank.Training.Data;
using LowRank.Training.Evaluation;

namespace LowRank.Training.Lecture.Qlora;

/// <summary>The share of full fine-tuning's gain that a method keeps, with a 95 % interval by the bootstrap: rows are drawn anew, and all models judged on the same draws.</summary>
/// <param name="Share">The share.</param>
/// <param name="Low">The interval's lower end.</param>
/// <param name="High">Its upper end.</param>
internal sealed record GainKept(double Share, double Low, double High)
{
    private const int Draws = 2000;

    /// <summary>Compares right answers, row by row.</summary>
    public static GainKept Of(IReadOnlyList<DataRow> rows, ExactMatchResult before, ExactMatchResult full, ExactMatchResult method)
    {
        int[][] right = [Right(rows, before), Right(rows, full), Right(rows, method)];
        var random = new Xoshiro256(0, 0);
        var shares = new List<double>(Draws);
        for (var draw = 0; draw < Draws; draw++)
        {
            Span<int> sums = [0, 0, 0];
            for (var i = 0; i < rows.Count; i++)
            {
                var row = random.Below(rows.Count);
                for (var m = 0; m < sums.Length; m++) sums[m] += right[m][row];
            }
            // A draw in which nothing was gained has no share.
            if (sums[1] > sums[0]) shares.Add((double)(sums[2] - sums[0]) / (sums[1] - sums[0]));
        }
        shares.Sort();
        var share = (double)(method.Correct - before.Correct) / Math.Max(1, full.Correct - before.Correct);
        return shares.Count == 0 ? new GainKept(share, share, share) : new GainKept(share, shares[(int)(0.025 * (shares.Count - 1))], shares[(int)(0.975 * (shares.Count - 1))]);
    }

    private static int[] Right(IReadOnlyList<DataRow> rows, ExactMatchResult result)
    {
        var wrong = result.Wrong.Select(w => w.Place).ToHashSet(StringComparer.Ordinal);
        return [.. rows.Select(r => wrong.Contains(r.Place) ? 0 : 1)];
    }
}
