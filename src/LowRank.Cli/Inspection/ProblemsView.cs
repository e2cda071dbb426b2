using System.Globalization;
using LowRank.Cli.Terminal;
using LowRank.Training.Data;

namespace LowRank.Cli.Inspection;

/// <summary>Prints what is wrong or odd in a data file.</summary>
internal static class ProblemsView
{
    private const int Listed = 20;

    /// <summary>Prints the problems, errors first; nothing where there are none.</summary>
    public static void Show(Screen screen, IReadOnlyList<Problem> problems)
    {
        if (problems.Count == 0) return;
        screen.Out.WriteLine("\nproblems:");
        foreach (var problem in problems.OrderByDescending(p => p.Severity).Take(Listed))
            screen.Out.WriteLine($"  {(problem.Severity == ProblemSeverity.Error ? "error" : "warning")}: {Printable.Of(problem.ToString())}");
        if (problems.Count > Listed) screen.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  … and {problems.Count - Listed} more"));
    }
}
