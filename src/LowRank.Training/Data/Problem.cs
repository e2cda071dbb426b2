using System.Globalization;

namespace LowRank.Training.Data;

/// <summary>One thing that is wrong, or odd, in a data file.</summary>
/// <param name="Severity">Whether the file can be used nonetheless.</param>
/// <param name="File">The path of the file as it was given.</param>
/// <param name="Line">The 1-based line, blank lines counted; 0 where lines do not help.</param>
/// <param name="Column">The 1-based column in code points; 0 where only the line is known.</param>
/// <param name="Message">What is wrong and what was expected, without the place.</param>
public sealed record Problem(ProblemSeverity Severity, string File, int Line, int Column, string Message)
{
    /// <summary>The guard that the problem belongs to, such as <c>nothing-supervised</c>, or null.</summary>
    public string? GuardId { get; init; }

    /// <summary><c>file:line:column: message</c>, as compilers print it.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Place}: {Message}");

    private string Place => (Line, Column) switch
    {
        ( <= 0, _) => File,
        (_, <= 0) => string.Create(CultureInfo.InvariantCulture, $"{File}:{Line}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{File}:{Line}:{Column}"),
    };
}
