using System.Collections;
using System.Runtime.CompilerServices;

namespace LowRank.Adapters;

/// <summary>
/// Names modules of a model, as PEFT's <c>target_modules</c> and <c>exclude_modules</c> do: a list of names (<c>["q_proj", "v_proj"]</c>), a
/// regular expression (<c>".*layers\.1\..*"</c>), <c>"all-linear"</c>, or one of LowRank's presets. Immutable.
/// </summary>
[CollectionBuilder(typeof(ModulePattern), nameof(FromNames))]
public sealed class ModulePattern : IEnumerable<string>
{
    private const string AllLinearText = "all-linear";

    private ModulePattern(ModulePatternKind kind, IReadOnlyList<string> entries) => (Kind, Entries) = (kind, entries);

    /// <summary>How the pattern is written.</summary>
    public ModulePatternKind Kind { get; }

    /// <summary>The names or presets; the one expression of <see cref="ModulePatternKind.Regex"/>; <c>all-linear</c>.</summary>
    public IReadOnlyList<string> Entries { get; }

    /// <summary>Every linear module but the output head (PEFT's <c>"all-linear"</c>).</summary>
    public static ModulePattern AllLinear { get; } = new(ModulePatternKind.AllLinear, [AllLinearText]);

    /// <summary>A list of names or dotted endings of names. A collection expression does the same: <c>["q_proj", "v_proj"]</c>.</summary>
    /// <param name="names">The names, in the order in which they are written to the file.</param>
    public static ModulePattern FromNames(ReadOnlySpan<string> names) => new(ModulePatternKind.Names, names.ToArray());

    /// <summary>A regular expression in Python's syntax that must match the whole name.</summary>
    /// <param name="expression">The expression, such as <c>.*\.self_attn\.(q|v)_proj</c>.</param>
    public static ModulePattern Regex(string expression) => new(ModulePatternKind.Regex, [expression]);

    /// <summary>Presets, possibly with names beside them.</summary>
    /// <param name="entries">Each is a name of <see cref="TargetPresets.Names"/> or the name of a module.</param>
    public static ModulePattern Preset(params IReadOnlyList<string> entries) => new(ModulePatternKind.Preset, entries);

    /// <summary>A string as PEFT reads it: <c>all-linear</c> in any case, else a regular expression.</summary>
    /// <param name="text">The value of a string in <c>adapter_config.json</c>.</param>
    public static implicit operator ModulePattern(string text) =>
        text.Equals(AllLinearText, StringComparison.OrdinalIgnoreCase) ? AllLinear : Regex(text);

    /// <summary>
    /// Reads what a user writes on a command line: <c>all-linear</c>; presets and names, separated by commas (<c>qv</c>,
    /// <c>q_proj,v_proj</c>, <c>attention,down_proj</c>); or, where it has a character that no name has, a regular expression.
    /// </summary>
    /// <param name="text">The option's value.</param>
    /// <exception cref="LoraConfigException">The text is empty.</exception>
    public static ModulePattern Parse(string text)
    {
        var trimmed = text.Trim();
        if (trimmed.Length == 0)
            throw new LoraConfigException($"A target is empty. Give module names (q_proj,v_proj), a preset ({string.Join(", ", TargetPresets.Names)}) or a regular expression.");
        if (trimmed.AsSpan().IndexOfAny(@"\*+?()[]{}|^$") >= 0) return Regex(trimmed);
        var entries = trimmed.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (entries is [var one] && one.Equals(AllLinearText, StringComparison.OrdinalIgnoreCase)) return AllLinear;
        return entries.Any(TargetPresets.IsPreset) ? Preset(entries) : FromNames(entries);
    }

    /// <summary>The entries, in order.</summary>
    public IEnumerator<string> GetEnumerator() => Entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The pattern as one would write it on a command line.</summary>
    public override string ToString() => string.Join(',', Entries);
}
