using System.Text.RegularExpressions;

namespace TinyModel;

/// <summary>Fills the <c>{slots}</c> of a pattern with words of a subject. A slot keeps its word for the whole of an exchange; <c>{name2}</c> is another word of the list.</summary>
internal sealed partial class Sentence(Subject subject, Random random, Func<string, int, bool>? allowed = null)
{
    private readonly Dictionary<string, string> chosen = new(StringComparer.Ordinal);

    /// <summary>The pattern with words for its slots; a capital in the slot makes one in the word.</summary>
    public string Fill(string pattern)
    {
        var text = Slot().Replace(pattern, match =>
        {
            var word = Word(char.ToLowerInvariant(match.Groups[1].Value[0]) + match.Groups[1].Value[1..]);
            return char.IsUpper(match.Groups[1].Value[0]) ? char.ToUpperInvariant(word[0]) + word[1..] : word;
        });
        return Article().Replace(text, "$1n $2");
    }

    private string Word(string slot)
    {
        if (chosen.TryGetValue(slot, out var word)) return word;
        var list = slot.TrimEnd('2');
        var all = subject.Words[list];
        var open = Enumerable.Range(0, all.Length).Where(i => (allowed is null || allowed(list, i)) && !chosen.ContainsValue(all[i])).ToArray();
        return chosen[slot] = all[open[random.Next(open.Length)]];
    }

    [GeneratedRegex(@"\{(\w+)\}")]
    private static partial Regex Slot();

    [GeneratedRegex(@"\b([Aa]) ([aeiou])")]
    private static partial Regex Article();
}
