using System.Reflection;

namespace LowRank.Training.Settings;

/// <summary>All settings of a run, in the order of <see cref="TrainSettings"/> and its groups.</summary>
public static class SettingsSchema
{
    private static readonly Dictionary<string, Setting> ByKey;

    static SettingsSchema()
    {
        All = [.. typeof(TrainSettings).GetProperties().SelectMany(OfGroup)];
        ByKey = All.ToDictionary(s => s.Key, StringComparer.Ordinal);
    }

    /// <summary>The settings.</summary>
    public static IReadOnlyList<Setting> All { get; }

    /// <summary>A setting by its key, or null.</summary>
    public static Setting? Find(string key) => ByKey.GetValueOrDefault(key);

    private static IEnumerable<Setting> OfGroup(PropertyInfo group) => group.PropertyType.GetProperties()
        .Select(p => (Property: p, Declared: p.GetCustomAttribute<SettingAttribute>()))
        .Where(p => p.Declared is not null)
        .Select(p => new Setting(group, p.Property, p.Declared!));
}
