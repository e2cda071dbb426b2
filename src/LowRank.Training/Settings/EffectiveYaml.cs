using System.Text;

namespace LowRank.Training.Settings;

/// <summary>All settings of a record as YAML: every key with its value and, as a comment, where that comes from. It is a file for <c>--config</c>, with the same meaning.</summary>
internal static class EffectiveYaml
{
    private const int Column = 40;

    /// <summary>Writes it.</summary>
    /// <param name="entries">What was written, in the order of precedence.</param>
    /// <param name="start">The settings where nothing was written, and what to call them; null for the defaults.</param>
    /// <exception cref="SettingsException">A key is not known or a value cannot be used; all of them are listed.</exception>
    /// <typeparam name="T">The record of settings.</typeparam>
    public static string Write<T>(IReadOnlyList<SettingEntry> entries, (T Settings, string Name)? start = null) where T : class, new()
    {
        var settings = SettingsBinder.Read<T>(entries, start?.Settings);
        var origins = entries.GroupBy(e => e.Key).ToDictionary(g => g.Key, g => Place(g.Last()), StringComparer.Ordinal);
        var text = new StringBuilder();
        foreach (var group in SettingsSchema<T>.All.GroupBy(s => s.Group))
        {
            if (text.Length > 0) text.Append('\n');
            if (group.Key is { } title) text.Append("# ").Append(title.ToLowerInvariant()).Append('\n');
            foreach (var setting in group)
            {
                var value = Setting.Format(setting.Get(settings));
                var origin = origins.GetValueOrDefault(setting.Key) ?? (start is { } given ? given.Name : setting.IsRequired ? "" : "default");
                text.Append($"{setting.Key}: {YamlText.Of(setting, value)}".PadRight(Column)).Append("  # ").Append(Describe(setting, value, origin)).Append('\n');
            }
        }
        return text.ToString();
    }

    private static string Describe(Setting setting, string? value, string origin)
    {
        if (!string.IsNullOrEmpty(value)) return origin;
        if (setting.IsRequired) return $"missing: --{setting.Key} {setting.ValueName}";
        return setting.Automatic is { } automatic ? $"{origin}: left open, so {automatic}" : $"{origin}: none";
    }

    // A file's entry is at "run.yaml:3: rank", a preset's at "--preset lecture: rank".
    private static string Place(SettingEntry entry) => entry.Where.EndsWith($": {entry.Key}", StringComparison.Ordinal) ? entry.Where[..^(entry.Key.Length + 2)] : entry.Where;
}
