using System.Globalization;
using System.Text;

namespace LowRank.Training.Data;

/// <summary>A data file that cannot be used. All problems found are told at once.</summary>
public sealed class DatasetException : LowRankException
{
    /// <summary>How many problems the message lists; the rest is counted.</summary>
    internal const int ListedProblems = 20;

    /// <summary>An error about a file as a whole.</summary>
    /// <param name="file">The path of the file.</param>
    /// <param name="message">What is wrong and what to do, without the place.</param>
    /// <param name="line">The 1-based line, or 0.</param>
    public DatasetException(string file, string message, int line = 0)
        : this([new Problem(ProblemSeverity.Error, file, line, 0, message)], 1) { }

    /// <summary>An error made of the problems of a file.</summary>
    /// <param name="problems">The problems, in the order of the file; at least one.</param>
    /// <param name="total">How many there are in all, where the list was cut.</param>
    public DatasetException(IReadOnlyList<Problem> problems, int total) : base(Text(problems, total))
    {
        Problems = problems;
        Total = total;
        var ids = problems.Where(p => p.Severity == ProblemSeverity.Error).Select(p => p.GuardId).Distinct().ToList();
        GuardId = ids.Count == 1 ? ids[0] : null;
    }

    /// <summary>The problems kept, in the order of the file. Warnings that belong to the same file may be among them.</summary>
    public IReadOnlyList<Problem> Problems { get; }

    /// <summary>How many problems were found, those that <see cref="Problems"/> does not keep included.</summary>
    public int Total { get; }

    private static string Text(IReadOnlyList<Problem> problems, int total)
    {
        if (total == 1 && problems.Count == 1) return problems[0].ToString();
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{total} problems in {problems[0].File}:");
        // Errors first: a long list of warnings must not push them out of what is shown.
        foreach (var problem in problems.OrderByDescending(p => p.Severity).Take(ListedProblems))
            text.Append("\n  ").Append(problem.Severity == ProblemSeverity.Warning ? "warning: " : "").Append(problem);
        if (total > ListedProblems) text.Append(CultureInfo.InvariantCulture, $"\n  … and {total - ListedProblems} more");
        return text.ToString();
    }
}
