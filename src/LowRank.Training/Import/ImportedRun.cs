using System.Text.RegularExpressions;
using LowRank.Training.Settings;

namespace LowRank.Training.Import;

/// <summary>A run of another tool in LowRank's settings: what carries over, what has no counterpart, and what cannot be carried over.</summary>
internal sealed class ImportedRun
{
    private readonly Dictionary<string, ImportedLine> lines = new(StringComparer.Ordinal);
    private readonly List<string> notes = [];
    private readonly List<(string Key, string Text)> problems = [];
    private readonly List<(string Key, string Reason)> withoutEffect = [];
    private readonly List<(string Key, string Shown, string Where)> unknown = [];
    private readonly List<(string Key, string Shown)> ignored = [];

    /// <summary>The files, with the tool of each.</summary>
    public List<(string File, string Tool)> Sources { get; } = [];

    /// <summary>The settings by their keys; of two files the later wins.</summary>
    public IReadOnlyDictionary<string, ImportedLine> Lines => lines;

    /// <summary>What a person should know or do.</summary>
    public IReadOnlyList<string> Notes => notes;

    /// <summary>What would change the result and cannot be carried over.</summary>
    public IReadOnlyList<(string Key, string Text)> Problems => problems;

    /// <summary>The keys that the result does not depend on here, with the reason.</summary>
    public IReadOnlyList<(string Key, string Reason)> WithoutEffect => withoutEffect;

    /// <summary>The keys that no table has.</summary>
    public IReadOnlyList<(string Key, string Shown, string Where)> Unknown => unknown;

    /// <summary>What the user left out knowingly.</summary>
    public IReadOnlyList<(string Key, string Shown)> Ignored => ignored;

    /// <summary>Sets a setting.</summary>
    public void Set(string key, string value, string origin, string where) => lines[key] = new ImportedLine(key, value, origin, where);

    /// <summary>Tells something.</summary>
    public void Note(string text)
    {
        if (!notes.Contains(text)) notes.Add(text);
    }

    /// <summary>Refuses something.</summary>
    /// <param name="key">The key with which it can be left out knowingly.</param>
    /// <param name="where">Its place.</param>
    /// <param name="text">Why, and what to do.</param>
    public void Refuse(string key, string where, string text) => problems.Add((key, $"{where}: {text}"));

    /// <summary>Notes a key that the result does not depend on.</summary>
    public void HasNoEffect(string key, string reason) => withoutEffect.Add((key, reason));

    /// <summary>Notes a key that no table has.</summary>
    public void IsUnknown(string key, string shown, string where) => unknown.Add((key, shown, where));

    /// <summary>Notes a key that is left out.</summary>
    public void IsIgnored(string key, string shown) => ignored.Add((key, shown));

    /// <summary>Whether a key is spoken of anywhere: behind a setting, in a note, among what has no effect, what is refused, unknown or ignored.</summary>
    public bool Mentions(string key)
    {
        var word = new Regex($@"(?<![\w]){Regex.Escape(key)}(?![\w])", RegexOptions.CultureInvariant);
        return lines.Values.Any(l => word.IsMatch(l.Origin)) || notes.Any(word.IsMatch) || problems.Any(p => p.Key == key) || withoutEffect.Any(w => w.Key == key || w.Key.StartsWith(key + ".", StringComparison.Ordinal))
            || unknown.Any(u => u.Key == key) || ignored.Any(i => i.Key == key);
    }

    /// <summary>The settings, checked as those of a file are: kinds, ranges, and that they go together.</summary>
    /// <exception cref="SettingsException">A value is none that LowRank takes; with the place in the other tool's file.</exception>
    public TrainSettings Bind()
    {
        var settings = SettingsBinder.Read<TrainSettings>(SettingsSchema<TrainSettings>.All.Where(s => lines.ContainsKey(s.Key)).Select(s => new SettingEntry(s.Key, lines[s.Key].Value, lines[s.Key].Where)));
        if (settings.Adapter is { Method: not "full", Adapter: null }) settings.Adapter.ToConfig();
        return settings;
    }
}
