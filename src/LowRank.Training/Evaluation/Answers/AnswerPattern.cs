using System.Text.RegularExpressions;

namespace LowRank.Training.Evaluation.Answers;

/// <summary>
/// What counts of an answer: the first group of a regular expression's first match, or all of the match without a group, such as <c>#### (.*)</c> for GSM8K. Numbers are compared without
/// thousands separators, currency signs and a final point, as lm-evaluation-harness compares GSM8K's.
/// </summary>
internal sealed partial class AnswerPattern
{
    // A pattern that backtracks without end would stop the evaluation for ever.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(2);

    private readonly Regex regex;

    /// <param name="pattern">The regular expression.</param>
    /// <exception cref="LowRankException">It is none.</exception>
    public AnswerPattern(string pattern)
    {
        try
        {
            regex = new Regex(pattern, RegexOptions.CultureInvariant, Longest);
        }
        catch (ArgumentException fault)
        {
            throw new LowRankException($"--answer-pattern: {fault.Message}", fault);
        }
    }

    /// <summary>What counts of a text, or null where the pattern does not match.</summary>
    /// <exception cref="LowRankException">The pattern takes too long on this text.</exception>
    public string? Find(string text)
    {
        try
        {
            var match = regex.Match(text);
            if (!match.Success) return null;
            var found = (match.Groups.Count > 1 && match.Groups[1].Success ? match.Groups[1].Value : match.Value).Trim();
            return Number().IsMatch(found) ? found.Replace(",", "", StringComparison.Ordinal).Replace("$", "", StringComparison.Ordinal).TrimEnd('.') : found;
        }
        catch (RegexMatchTimeoutException fault)
        {
            throw new LowRankException($"--answer-pattern takes more than {Longest.TotalSeconds:0} seconds on one answer: it backtracks too much. Make it simpler.", fault);
        }
    }

    [GeneratedRegex(@"^[-+$]*\d[\d,]*\.?\d*$|^[-+$]*\.\d+$", RegexOptions.CultureInvariant)]
    private static partial Regex Number();
}
