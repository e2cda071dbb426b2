namespace LowRank.Adapters;

/// <summary>
/// A LoRA configuration that cannot be used: malformed JSON, a value out of range, a field that is not supported, a target that matches
/// nothing. It lists all problems that were found, not the first one.
/// </summary>
public sealed class LoraConfigException : LowRankException
{
    /// <summary>An error with one problem.</summary>
    /// <param name="problem">What is wrong, and what to do.</param>
    public LoraConfigException(string problem) : base(problem) => Problems = [problem];

    /// <summary>An error with one problem and the exception behind it.</summary>
    /// <param name="problem">What is wrong, and what to do.</param>
    /// <param name="inner">The exception that was met.</param>
    public LoraConfigException(string problem, Exception inner) : base(problem, inner) => Problems = [problem];

    /// <summary>An error with all problems of one configuration.</summary>
    /// <param name="subject">What the problems are about, such as the file's path.</param>
    /// <param name="problems">The problems, at least one.</param>
    public LoraConfigException(string subject, IReadOnlyList<string> problems) : base(Join(subject, problems)) => Problems = problems;

    /// <summary>The problems, each a sentence that begins with the name of the field where there is one.</summary>
    public IReadOnlyList<string> Problems { get; }

    private static string Join(string subject, IReadOnlyList<string> problems) =>
        problems.Count == 1 ? $"{subject}: {problems[0]}" : $"{subject}: {problems.Count} problems\n  - {string.Join("\n  - ", problems)}";
}
