using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace LowRank.Training.Import;

/// <summary>A value in a file of another tool: a text, a list or a mapping, with its line.</summary>
internal sealed class SourceValue(YamlNode node)
{
    private const int LongestShown = 80;

    /// <summary>The line in the file, from 1.</summary>
    public long Line => node.Start.Line;

    /// <summary>Whether there is nothing: null, <c>~</c>, nothing at all, or an empty list or mapping.</summary>
    public bool IsNothing => node switch
    {
        // OmegaConf and PyYAML read "None" as a text, but command lines of these tools write it for null.
        YamlScalarNode scalar => scalar.Style == ScalarStyle.Plain && scalar.Value is null or "" or "~" or "null" or "Null" or "NULL" or "None",
        YamlSequenceNode list => list.Children.Count == 0,
        YamlMappingNode map => map.Children.Count == 0,
        _ => false,
    };

    /// <summary>The text of a scalar; null for lists, mappings and nothing.</summary>
    public string? Text => IsNothing ? null : (node as YamlScalarNode)?.Value;

    /// <summary>True or false as YAML 1.1 writes them, which Python's readers follow; null for anything else.</summary>
    public bool? Flag => Text?.ToLowerInvariant() switch { "true" or "yes" or "on" => true, "false" or "no" or "off" => false, _ => null };

    /// <summary>A number; null for anything else.</summary>
    public double? Number => double.TryParse(Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>The items of a list; null for anything else.</summary>
    public IReadOnlyList<SourceValue>? Items => node is YamlSequenceNode list ? [.. list.Children.Select(c => new SourceValue(c))] : null;

    /// <summary>The members of a mapping by their names; null for anything else.</summary>
    public OrderedDictionary<string, SourceValue>? Members => node is YamlMappingNode map ? MembersOf(map) : null;

    /// <summary>The texts of a list of scalars, or of one scalar with commas; null for anything else.</summary>
    public IReadOnlyList<string>? Texts => Text is { } text ? text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        : Items is { } items && items.All(i => i.Text is not null) ? [.. items.Select(i => i.Text!)] : null;

    /// <summary>The value in one line, for comments and messages; shortened where it is long.</summary>
    public string Shown => Flow(node) is { Length: > LongestShown } text ? text[..LongestShown] + "…" : Flow(node);

    /// <summary>The members of a mapping node.</summary>
    internal static OrderedDictionary<string, SourceValue> MembersOf(YamlMappingNode map)
    {
        var members = new OrderedDictionary<string, SourceValue>(StringComparer.Ordinal);
        foreach (var (key, value) in map.Children) members[(key as YamlScalarNode)?.Value ?? Flow(key)] = new SourceValue(value);
        return members;
    }

    private static string Flow(YamlNode node) => node switch
    {
        YamlScalarNode scalar => (scalar.Value ?? "").ReplaceLineEndings(" "),
        YamlSequenceNode list => $"[{string.Join(", ", list.Children.Select(Flow))}]",
        YamlMappingNode map => $"{{{string.Join(", ", map.Children.Select(c => $"{Flow(c.Key)}: {Flow(c.Value)}"))}}}",
        _ => "",
    };
}
