using System.Globalization;
using System.Text.RegularExpressions;

namespace LowRank.Adapters;

/// <summary>
/// Decides by name which modules an adapter goes on, exactly as PEFT 0.21 does
/// (<c>tuners_utils.py</c>, <c>check_target_module_exists</c>; <c>other.py</c>, <c>get_pattern_key</c>). Immutable and thread-safe.
/// </summary>
/// <remarks>
/// This is the matcher of names alone. <see cref="Select"/> applies it to a model: it knows <c>all-linear</c>, presets and family
/// defaults, and says what matched nothing.
/// </remarks>
public sealed class TargetMatcher
{
    private readonly AdapterConfig config;
    private readonly Regex? targetRegex;
    private readonly Regex? excludeRegex;
    private readonly (string Text, Regex Regex)[] savedRegexes;
    private readonly (string Text, Regex Regex)[] layerRegexes;
    private readonly (string Key, Regex Regex)[] rankKeys;
    private readonly (string Key, Regex Regex)[] alphaKeys;

    /// <summary>Prepares the expressions of a configuration.</summary>
    /// <param name="config">A configuration whose targets are names or an expression.</param>
    /// <exception cref="LoraConfigException">An expression is malformed, or the targets are null, <c>all-linear</c> or a preset, which need a model.</exception>
    public TargetMatcher(AdapterConfig config)
    {
        if (config.TargetModules?.Kind is not (ModulePatternKind.Names or ModulePatternKind.Regex))
            throw new LoraConfigException($"target_modules: \"{config.TargetModules?.ToString() ?? "null"}\" means something only for a model; use {nameof(TargetMatcher)}.{nameof(Select)}.");
        this.config = config;
        targetRegex = Compile(config.TargetModules);
        excludeRegex = Compile(config.ExcludeModules);
        // Names stand in these expressions as they are, dots and all, as in PEFT.
        savedRegexes = [.. (config.ModulesToSave ?? []).Select(m => (m, PythonRegex.Match($@"(^|.*\.){m}($|\..*)")))];
        layerRegexes = config.LayersPattern is { Count: > 0 } patterns
            ? [.. patterns.Select(p => (p, PythonRegex.Match($@".*?\.{p}\.(\d+)\.")))]
            : [("", PythonRegex.Match(@".*?\.[^.]*\.(\d+)\."))];
        rankKeys = [.. config.Ranks.Keys.Select(k => (k, PatternKey(k)))];
        alphaKeys = [.. config.Alphas.Keys.Select(k => (k, PatternKey(k)))];
    }

    /// <summary>Whether an adapter goes on the module of this name.</summary>
    /// <param name="name">The dotted name of a module.</param>
    /// <exception cref="LoraConfigException">An expression runs too long on the name.</exception>
    public TargetMatch Match(string name)
    {
        if (IsExcluded(name)) return TargetMatch.Excluded;
        if (targetRegex is not null) return IsNamed(name) ? TargetMatch.Target : TargetMatch.None;
        // A module that is listed by its whole name is adapted whatever its layer is.
        if (config.TargetModules!.Entries.Contains(name)) return TargetMatch.Target;
        if (!IsNamed(name)) return TargetMatch.None;
        if (config.LayersToTransform is not { Count: > 0 } layers) return TargetMatch.Target;
        return LayerOf(name) is { } layer && layers.Contains(layer) ? TargetMatch.Target : TargetMatch.None;
    }

    /// <summary>The rank and alpha that the configuration gives to the module of this name; 0 and 1 for a kind of adapter without them.</summary>
    /// <param name="name">The dotted name of a module.</param>
    /// <exception cref="LoraConfigException">An expression runs too long on the name.</exception>
    public (int Rank, double Alpha) NumbersFor(string name) => (
        FirstKey(rankKeys, name) is { } rank ? config.Ranks[rank] : config.RankOrZero,
        FirstKey(alphaKeys, name) is { } alpha ? config.Alphas[alpha] : config.AlphaOrOne);

    /// <summary>
    /// The first of the keys of a <c>rank_pattern</c> or <c>alpha_pattern</c> that matches a name, or null. A key is an expression of the
    /// whole name or of an ending after a dot.
    /// </summary>
    /// <param name="keys">The keys, in the order of the file.</param>
    /// <param name="name">The dotted name of a module.</param>
    /// <exception cref="LoraConfigException">A key is no regular expression.</exception>
    public static string? FirstMatchingKey(IEnumerable<string> keys, string name) =>
        FirstKey(keys.Select(k => (k, PatternKey(k))), name);

    /// <summary>
    /// What a configuration means for a model: the modules to adapt with their ranks and scalings, the modules to save whole, and the
    /// configuration with <c>all-linear</c>, presets and family defaults replaced by names.
    /// </summary>
    /// <param name="config">The configuration.</param>
    /// <param name="modules">All modules of the model that can be adapted or saved, in the model's order.</param>
    /// <param name="modelType">The <c>model_type</c> of the model, for the default targets of its family; null where there is none.</param>
    /// <exception cref="LoraConfigException">
    /// Settings are out of range, a target or module to save matches nothing (the nearest names are shown) or cannot be adapted. All
    /// problems are listed.
    /// </exception>
    public static TargetSelection Select(AdapterConfig config, IReadOnlyList<AdaptableModule> modules, string? modelType = null)
    {
        config.Validate();
        return new TargetSelector(modules).Select(TargetResolution.Resolve(config, modules, modelType));
    }

    /// <summary>Whether <c>exclude_modules</c> or <c>modules_to_save</c> keeps adapters off a module.</summary>
    internal bool IsExcluded(string name)
    {
        if (config.ExcludeModules is { Entries.Count: > 0 } exclude)
        {
            if (excludeRegex is null ? Listed(exclude, name) : PythonRegex.IsMatch(excludeRegex, name, exclude.Entries[0])) return true;
        }
        foreach (var (text, regex) in savedRegexes)
            if (PythonRegex.IsMatch(regex, name, text)) return true;
        return false;
    }

    /// <summary>Whether the targets name a module, before exclusion and layers.</summary>
    internal bool IsNamed(string name) =>
        targetRegex is null ? Listed(config.TargetModules!, name) : PythonRegex.IsMatch(targetRegex, name, config.TargetModules!.Entries[0]);

    /// <summary>The index of the layer in which a module stands, as <c>layers_to_transform</c> counts; null outside of layers.</summary>
    internal int? LayerOf(string name)
    {
        foreach (var (text, regex) in layerRegexes)
            if (PythonRegex.IsMatch(regex, name, text) && regex.Match(name) is { Success: true } match)
                return int.TryParse(match.Groups[1].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var layer) ? layer : null;
        return null;
    }

    /// <summary>Whether a name is one of the entries or ends in a dot and one of them.</summary>
    internal static bool Matches(string entry, string name) =>
        name.EndsWith(entry, StringComparison.Ordinal) && (name.Length == entry.Length || name[name.Length - entry.Length - 1] == '.');

    private static bool Listed(ModulePattern pattern, string name)
    {
        foreach (var entry in pattern.Entries)
            if (Matches(entry, name)) return true;
        return false;
    }

    private static Regex? Compile(ModulePattern? pattern) => pattern?.Kind == ModulePatternKind.Regex ? PythonRegex.FullMatch(pattern.Entries[0]) : null;

    private static Regex PatternKey(string key) => PythonRegex.Match($@"(.*\.)?({key})$");

    private static string? FirstKey(IEnumerable<(string Key, Regex Regex)> keys, string name)
    {
        foreach (var (key, regex) in keys)
            if (PythonRegex.IsMatch(regex, name, key)) return key;
        return null;
    }
}
