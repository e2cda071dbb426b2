namespace LowRank.Training.Settings;

/// <summary>
/// Declares a setting: the one place for its key, help and range. The command line's option, the YAML key and the JSON schema come from it; the
/// default is the property's initial value. A property that is null lets LowRank choose, and the choice is logged with its reason.
/// </summary>
/// <param name="key">The option without dashes, which is the YAML key too.</param>
/// <param name="help">One sentence, with the unit.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SettingAttribute(string key, string help) : Attribute
{
    /// <summary>The option without dashes, and the YAML key.</summary>
    public string Key { get; } = key;

    /// <summary>One sentence.</summary>
    public string Help { get; } = help;

    /// <summary>The least value that is allowed; NaN for none.</summary>
    public double Minimum { get; init; } = double.NaN;

    /// <summary>The largest value that is allowed; NaN for none.</summary>
    public double Maximum { get; init; } = double.NaN;

    /// <summary>What the value is called in help, such as <c>FILE</c>.</summary>
    public string? Value { get; init; }

    /// <summary>The values that are allowed, where they are few.</summary>
    public string[]? Choices { get; init; }

    /// <summary>What null means, for help.</summary>
    public string? Automatic { get; init; }

    /// <summary>Whether a run cannot begin without it.</summary>
    public bool Required { get; init; }
}
