using System.Text.RegularExpressions;

namespace LowRank.Training.Tests.Fuzzing.Mutation;

/// <summary>
/// Damages texts of a language with tokens: a token becomes another of its kind, so that most results still are of the language; now and then one is lost, stands twice or is of
/// another kind. The tokens come from the sound texts.
/// </summary>
internal sealed class TokenMutator
{
    private readonly Func<string, int> kindOf;
    private readonly Regex tokens;
    private readonly ILookup<int, string> byKind;
    private readonly string[] all;

    /// <param name="tokens">Finds tokens; what lies between is left alone.</param>
    /// <param name="kindOf">The kind of a token.</param>
    /// <param name="sound">Texts.</param>
    /// <param name="more">Further tokens.</param>
    public TokenMutator(Regex tokens, Func<string, int> kindOf, IEnumerable<string> sound, params IEnumerable<string> more)
    {
        (this.tokens, this.kindOf) = (tokens, kindOf);
        all = [.. sound.SelectMany(s => tokens.Matches(s)).Select(m => m.Value).Concat(more).Distinct(StringComparer.Ordinal)];
        byKind = all.ToLookup(kindOf);
    }

    /// <summary>A damaged text.</summary>
    public string Damaged(string sound, FuzzRandom random)
    {
        for (var n = random.Below(4); n > 0; n--)
        {
            var found = tokens.Matches(sound);
            if (found.Count == 0) return sound;
            var at = found[random.Below(found.Count)];
            var other = found[random.Below(found.Count)];
            var alike = byKind[kindOf(at.Value)].ToArray();
            var become = random.Below(14) switch
            {
                0 => "",
                1 => at.Value + at.Value,
                2 => random.Pick(all),
                3 => $"{at.Value} {other.Value}",
                _ => random.Pick(alike),
            };
            sound = string.Concat(sound.AsSpan(0, at.Index), become, sound.AsSpan(at.Index + at.Length));
        }
        return sound;
    }
}
