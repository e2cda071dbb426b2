using System.Reflection;

namespace LowRank.Training.Settings;

/// <summary>The settings of a record, in the order of its properties: those with a <see cref="SettingAttribute"/>, its own and those of the groups that it holds.</summary>
/// <typeparam name="T">A record of settings, such as <see cref="TrainSettings"/>.</typeparam>
public static class SettingsSchema<T> where T : class, new()
{
    private static readonly Dictionary<string, Setting> ByKey = Read();

    /// <summary>The settings.</summary>
    public static IReadOnlyList<Setting> All { get; } = [.. ByKey.Values];

    /// <summary>A setting by its key, or null.</summary>
    public static Setting? Find(string key) => ByKey.GetValueOrDefault(key);

    private static Dictionary<string, Setting> Read()
    {
        var standard = new T();
        return typeof(T).GetProperties().SelectMany(p => Settings(null, p).Concat(p.PropertyType.GetProperties().SelectMany(inner => Settings(p, inner))))
            .Select(s => new Setting(s.Group, s.Property, s.Declared, standard)).ToDictionary(s => s.Key, StringComparer.Ordinal);
    }

    private static IEnumerable<(PropertyInfo? Group, PropertyInfo Property, SettingAttribute Declared)> Settings(PropertyInfo? group, PropertyInfo property)
    {
        if (property.GetCustomAttribute<SettingAttribute>() is { } declared) yield return (group, property, declared);
    }
}
