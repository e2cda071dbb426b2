namespace LowRank.Adapters;

/// <summary>How a <see cref="ModulePattern"/> is written.</summary>
public enum ModulePatternKind
{
    /// <summary>A list of names: each matches the module of that name and every module whose name ends in a dot and that name.</summary>
    Names,

    /// <summary>A regular expression in Python's syntax that must match the whole name.</summary>
    Regex,

    /// <summary>Every linear module but the output head.</summary>
    AllLinear,

    /// <summary>Presets such as <c>qv</c>, possibly with names beside them. They become names once the model is known.</summary>
    Preset,
}
