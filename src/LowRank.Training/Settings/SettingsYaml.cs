using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace LowRank.Training.Settings;

/// <summary>
/// Settings in a YAML file: one mapping with the keys of the options. A list of texts, such as <c>target: [q_proj, v_proj]</c>, is what the option takes with
/// commas. Nothing in the file names a type, and no object is made from it.
/// </summary>
public static class SettingsYaml
{
    /// <summary>Reads a file, for <see cref="SettingsBinder.Read"/>.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="LowRankException">It is missing or is not a mapping of keys to values.</exception>
    public static IReadOnlyList<SettingEntry> Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path)) throw new LowRankException($"{path} does not exist: --config takes a YAML file with the keys of the options, such as \"rank: 8\".");
        var documents = YamlFile.Load(path, "not YAML");
        if (documents.Count == 0) return [];
        if (documents.Count > 1) throw new LowRankException($"{path}:{documents[1].RootNode.Start.Line}: a second document begins; the settings must be in one");
        return documents[0].RootNode switch
        {
            YamlMappingNode mapping => [.. mapping.Children.Select(child => Entry(path, child.Key, child.Value))],
            YamlScalarNode { Value: null or "" } => [],
            var other => throw new LowRankException($"{path}:{other.Start.Line}: expected keys with values, such as \"rank: 8\""),
        };
    }

    private static SettingEntry Entry(string path, YamlNode key, YamlNode value)
    {
        if (key is not YamlScalarNode { Value: { } name }) throw new LowRankException($"{path}:{key.Start.Line}: a key must be a plain word");
        return new SettingEntry(name, Text(path, name, value), $"{path}:{key.Start.Line}: {name}");
    }

    private static string? Text(string path, string key, YamlNode value) => value switch
    {
        // A quoted "null" is a text; the plain one, ~ and nothing leave the setting open.
        YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "" or "~" or "null" or "Null" or "NULL" } => null,
        YamlScalarNode scalar => scalar.Value,
        YamlSequenceNode list when list.All(item => item is YamlScalarNode) => string.Join(',', list.Cast<YamlScalarNode>().Select(item => item.Value)),
        _ => throw new LowRankException($"{path}:{value.Start.Line}: {key}: expected a value or a list of values; the settings stand side by side, without groups"),
    };
}
