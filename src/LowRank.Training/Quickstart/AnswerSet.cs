using LowRank.Training.Evaluation;

namespace LowRank.Training.Quickstart;

/// <summary>What a model answered: all held-out rows as right or wrong, and some texts in full.</summary>
internal sealed record AnswerSet(ExactMatchResult Result, IReadOnlyList<string> Shown)
{
    /// <summary>Whether another model answered word by word the same. Right answers equal the data, so the wrong ones decide.</summary>
    public bool IsSame(AnswerSet other) => Result.Correct == other.Result.Correct && Result.Wrong.SequenceEqual(other.Result.Wrong) && Shown.SequenceEqual(other.Shown, StringComparer.Ordinal);
}
