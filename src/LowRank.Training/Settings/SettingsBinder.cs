using System.Text.Json;
using System.Text.Json.Nodes;
using LowRank.Adapters;

namespace LowRank.Training.Settings;

/// <summary>Brings settings from and to text: options, YAML and JSON hold the same keys, those of <see cref="SettingAttribute"/>, side by side.</summary>
public static class SettingsBinder
{
    /// <summary>Puts entries over settings; of two entries for one key the later wins.</summary>
    /// <param name="entries">What was written, in the order of precedence: a file first, options after it.</param>
    /// <param name="start">The settings where nothing was written; null for the defaults.</param>
    /// <exception cref="SettingsException">A key is not known, or a value is not of its kind or out of range; all of them are listed.</exception>
    /// <typeparam name="T">The record of settings.</typeparam>
    public static T Read<T>(IEnumerable<SettingEntry> entries, T? start = null) where T : class, new()
    {
        ArgumentNullException.ThrowIfNull(entries);
        start ??= new T();
        var values = SettingsSchema<T>.All.ToDictionary(s => s, s => s.Get(start));
        var problems = new List<string>();
        foreach (var (key, text, where) in entries)
        {
            if (SettingsSchema<T>.Find(key) is not { } setting) problems.Add($"{where}: there is no such setting{DidYouMean<T>(key)}");
            else if (setting.TryRead(text, out var value) is { } problem) problems.Add($"{where}: {problem}");
            else values[setting] = value;
        }
        return problems.Count > 0 ? throw new SettingsException(problems) : Build<T>(values);
    }

    /// <summary>Makes sure that everything is there without which a run cannot begin.</summary>
    /// <exception cref="SettingsException">Settings are missing; all of them are listed.</exception>
    public static void RequireComplete<T>(T settings) where T : class, new()
    {
        ArgumentNullException.ThrowIfNull(settings);
        var missing = SettingsSchema<T>.All.Where(s => s.IsRequired && s.Get(settings) is null or "").Select(s => $"--{s.Key} {s.ValueName} is missing. {s.Help}").ToList();
        if (missing.Count > 0) throw new SettingsException(missing);
    }

    /// <summary>The settings as one flat JSON object, with null for what is left open.</summary>
    public static JsonObject ToJson<T>(T settings) where T : class, new()
    {
        ArgumentNullException.ThrowIfNull(settings);
        return new JsonObject(SettingsSchema<T>.All.Select(s => KeyValuePair.Create(s.Key, (JsonNode?)(s.Get(settings) switch
        {
            null or "" => null,
            bool flag => JsonValue.Create(flag),
            int number => JsonValue.Create(number),
            long number => JsonValue.Create(number),
            double number => JsonValue.Create(number),
            var text => JsonValue.Create(Setting.Format(text)),
        }))));
    }

    /// <summary>Reads what <see cref="ToJson"/> wrote. Keys that are absent keep their defaults.</summary>
    /// <param name="json">A flat object.</param>
    /// <param name="where">What to call it in messages, such as its path.</param>
    /// <exception cref="SettingsException">A key is not known or a value cannot be used; all of them are listed.</exception>
    public static T FromJson<T>(JsonObject json, string where) where T : class, new()
    {
        ArgumentNullException.ThrowIfNull(json);
        return Read<T>(json.Select(member => new SettingEntry(member.Key, Text(member.Value), $"{where}: {member.Key}")));
    }

    /// <summary>The settings in which two differ.</summary>
    public static IReadOnlyList<SettingDifference> Differences<T>(T first, T second) where T : class, new() =>
        [.. SettingsSchema<T>.All.Where(s => !Equals(s.Get(first), s.Get(second))).Select(s => new SettingDifference(s, Setting.Format(s.Get(first)), Setting.Format(s.Get(second))))];

    private static string? Text(JsonNode? value) => value switch
    {
        null => null,
        JsonArray list => string.Join(',', list.Select(Text)),
        JsonValue scalar when scalar.GetValueKind() == JsonValueKind.String => scalar.GetValue<string>(),
        _ => value.ToJsonString(),
    };

    private static string DidYouMean<T>(string key) where T : class, new() =>
        NearestNames.Of(key, SettingsSchema<T>.All.Select(s => s.Key)) is { Count: > 0 } near ? $"; did you mean {string.Join(" or ", near)}?" : "";

    // Record and groups are made anew with every setting given, so that records stay immutable for everybody else.
    private static T Build<T>(Dictionary<Setting, object?> values) where T : class, new()
    {
        var settings = new T();
        foreach (var group in values.GroupBy(v => v.Key.GroupProperty))
        {
            var owner = group.Key is null ? settings : Activator.CreateInstance(group.Key.PropertyType)!;
            foreach (var (setting, value) in group) setting.Set(owner, value);
            group.Key?.SetValue(settings, owner);
        }
        return settings;
    }
}
