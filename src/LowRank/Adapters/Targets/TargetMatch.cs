namespace LowRank.Adapters;

/// <summary>What a configuration says to the name of a module.</summary>
public enum TargetMatch
{
    /// <summary>No target names it, or its layer is not among those to transform.</summary>
    None,

    /// <summary><c>exclude_modules</c> or <c>modules_to_save</c> keeps adapters off it.</summary>
    Excluded,

    /// <summary>It gets an adapter.</summary>
    Target,
}
