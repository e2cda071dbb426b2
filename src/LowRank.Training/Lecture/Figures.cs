using System.Collections;
using System.Globalization;
using System.Text.RegularExpressions;

namespace LowRank.Training.Lecture;

/// <summary>The numbers that were found for a claim, by name and in the order in which they were found. Texts in any language take their numbers from here.</summary>
internal sealed partial class Figures : IEnumerable<KeyValuePair<string, double>>
{
    private readonly OrderedDictionary<string, double> values = new(StringComparer.Ordinal);

    /// <summary>A number.</summary>
    /// <exception cref="KeyNotFoundException">There is none of that name.</exception>
    public double this[string name]
    {
        get => values.TryGetValue(name, out var value) ? value : throw new KeyNotFoundException($"No figure is named {name}; there are {string.Join(", ", values.Keys)}.");
        set => values[name] = value;
    }

    /// <summary>The names.</summary>
    public IReadOnlyCollection<string> Names => values.Keys;

    /// <summary>The same figures but for one: what a verdict would be if another number had been found.</summary>
    public Figures With(string name, double value)
    {
        var changed = new Figures();
        foreach (var (key, old) in values) changed[key] = old;
        changed[name] = value;
        return changed;
    }

    /// <summary>
    /// A text with its numbers put in: <c>{name}</c> or <c>{name:format}</c> with a .NET format, in the invariant culture. Braces hold nothing else.
    /// </summary>
    /// <exception cref="KeyNotFoundException">The text names a figure that is not there.</exception>
    public string Fill(string text) => Placeholder().Replace(text, match =>
        this[match.Groups["name"].Value].ToString(match.Groups["format"] is { Success: true, Value: var format } ? format : "0.###", CultureInfo.InvariantCulture));

    /// <summary>The placeholders of a text, with their formats, sorted.</summary>
    public static IReadOnlyList<string> PlaceholdersOf(string text) => [.. Placeholder().Matches(text).Select(m => m.Value).Order(StringComparer.Ordinal)];

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, double>> GetEnumerator() => values.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    [GeneratedRegex(@"\{(?<name>[a-z0-9_]+)(?::(?<format>[^{}]+))?\}", RegexOptions.CultureInvariant)]
    private static partial Regex Placeholder();
}
