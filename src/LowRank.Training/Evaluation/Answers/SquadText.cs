using System.Text;
using System.Text.RegularExpressions;

namespace LowRank.Training.Evaluation.Answers;

/// <summary>How SQuAD's official script compares answers (arXiv:1606.05250): without case, punctuation, articles and repeated white space.</summary>
internal static partial class SquadText
{
    // Python's string.punctuation: ASCII only.
    private const string Punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

    /// <summary>The words that are compared.</summary>
    public static string[] Words(string text)
    {
        var kept = new StringBuilder(text.Length);
        foreach (var c in text.ToLowerInvariant())
            if (!Punctuation.Contains(c, StringComparison.Ordinal)) kept.Append(c);
        return Articles().Replace(kept.ToString(), " ").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>Whether the words are the same.</summary>
    public static bool AreEqual(string expected, string got) => Words(expected).AsSpan().SequenceEqual(Words(got));

    /// <summary>The harmonic mean of precision and recall of words, each counted as often as it stands; where one side has none, whether both have none.</summary>
    public static double F1(string expected, string got)
    {
        var (gold, said) = (Words(expected), Words(got));
        if (gold.Length == 0 || said.Length == 0) return gold.Length == said.Length ? 1 : 0;
        var left = gold.CountBy(w => w, StringComparer.Ordinal).ToDictionary(StringComparer.Ordinal);
        var common = 0;
        foreach (var word in said)
        {
            if (!left.TryGetValue(word, out var count) || count == 0) continue;
            left[word] = count - 1;
            common++;
        }
        return common == 0 ? 0 : 2.0 * common / (gold.Length + said.Length);
    }

    [GeneratedRegex(@"\b(a|an|the)\b", RegexOptions.CultureInvariant)]
    private static partial Regex Articles();
}
