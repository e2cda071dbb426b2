using System.Globalization;
using System.Reflection;

namespace LowRank.Training.Settings;

/// <summary>
/// One setting of a record such as <see cref="TrainSettings"/>, as its <see cref="SettingAttribute"/> declares it: what an option's help, a YAML key and a JSON member are made
/// from. Immutable and safe to use from many threads.
/// </summary>
public sealed class Setting
{
    private readonly PropertyInfo? group;
    private readonly PropertyInfo property;
    private readonly SettingAttribute declared;
    private readonly Type type;

    internal Setting(PropertyInfo? group, PropertyInfo property, SettingAttribute declared, object standard)
    {
        (this.group, this.property, this.declared) = (group, property, declared);
        type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        IsOptional = Nullable.GetUnderlyingType(property.PropertyType) is not null
            || (type == typeof(string) && new NullabilityInfoContext().Create(property).ReadState == NullabilityState.Nullable);
        Default = Get(standard);
    }

    /// <summary>The option without dashes, which is the key in YAML and JSON too.</summary>
    public string Key => declared.Key;

    /// <summary>What it does, in one sentence.</summary>
    public string Help => declared.Help;

    /// <summary>The name of the group that it stands in, such as <c>Adapter</c>; null where the record has none.</summary>
    public string? Group => group?.Name;

    /// <summary>The values that are allowed where they are few, else null.</summary>
    public IReadOnlyList<string>? Choices => declared.Choices;

    /// <summary>What null means, or null.</summary>
    public string? Automatic => declared.Automatic;

    /// <summary>Whether a run cannot do without it.</summary>
    public bool IsRequired => declared.Required;

    /// <summary>Whether it may be null: LowRank chooses, or there is none.</summary>
    public bool IsOptional { get; }

    /// <summary>Whether it is true or false.</summary>
    public bool IsSwitch => type == typeof(bool);

    /// <summary>Whether it is a text that is none of a few choices.</summary>
    internal bool IsText => type == typeof(string) && Choices is null;

    /// <summary>Whether it is a number without a fraction.</summary>
    internal bool IsWhole => type == typeof(int) || type == typeof(long);

    /// <summary>The least number that is allowed, or null.</summary>
    internal double? Minimum => double.IsNaN(declared.Minimum) ? null : declared.Minimum;

    /// <summary>The largest number that is allowed, or null.</summary>
    internal double? Maximum => double.IsNaN(declared.Maximum) ? null : declared.Maximum;

    /// <summary>The value where nothing is said; null or an empty string where there is none.</summary>
    public object? Default { get; }

    /// <summary>What a value is called in help, such as <c>FILE</c>.</summary>
    public string ValueName => declared.Value ?? (IsSwitch ? "true|false" : Choices is not null ? "NAME" : type == typeof(string) ? "TEXT" : type == typeof(double) ? "NUMBER" : "COUNT");

    /// <summary>The range of a number as text, such as <c>from 0 to 0.99</c>; null where any is allowed.</summary>
    public string? Range => (double.IsNaN(declared.Minimum), double.IsNaN(declared.Maximum)) switch
    {
        (true, true) => null,
        (false, true) => Invariant($"from {declared.Minimum}"),
        (true, false) => Invariant($"up to {declared.Maximum}"),
        _ => Invariant($"from {declared.Minimum} to {declared.Maximum}"),
    };

    /// <summary>The value in some settings.</summary>
    /// <param name="settings">A record of the type that the setting belongs to.</param>
    public object? Get(object settings) => property.GetValue(group is null ? settings : group.GetValue(settings));

    /// <summary>A value as text, as it can be given for it; null for a value that is left open.</summary>
    public static string? Format(object? value) => value switch
    {
        null => null,
        bool flag => flag ? "true" : "false",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };

    /// <summary>Reads a value. <c>auto</c> leaves an optional number open, as null does.</summary>
    /// <returns>What is wrong with it, or null.</returns>
    internal string? TryRead(string? text, out object? value)
    {
        value = null;
        if (text is null || text.Length == 0 || (text == "auto" && IsOptional && type != typeof(string)))
        {
            // What a run needs and nobody gave is told by RequireComplete, with everything else that is missing.
            value = IsRequired ? "" : null;
            return IsOptional || IsRequired ? null : $"has no value; expected {Expected}";
        }
        if (type == typeof(string)) value = text;
        else if (type == typeof(bool)) value = bool.TryParse(text, out var flag) ? flag : null;
        else if (type == typeof(double)) value = double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;
        else if (type == typeof(int)) value = int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) ? whole : null;
        else if (type == typeof(long)) value = long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var large) ? large : null;
        else throw new NotSupportedException($"Settings of type {type.Name} cannot be read ({property.Name}).");
        if (value is null || (Choices is not null && !Choices.Contains(text)) || !InRange(value)) return $"\"{text}\" is not {Expected}";
        return null;
    }

    internal void Set(object owner, object? value) => property.SetValue(owner, value);

    internal PropertyInfo? GroupProperty => group;

    private string Expected => Choices is not null ? $"one of {string.Join(", ", Choices)}"
        : IsSwitch ? "true or false"
        : type == typeof(string) ? declared.Value ?? "a text"
        : (type == typeof(double) ? "a number" : "a whole number") + (Range is null ? "" : " " + Range);

    private bool InRange(object value)
    {
        if (value is not (int or long or double)) return true;
        var number = Convert.ToDouble(value, CultureInfo.InvariantCulture);
        return !(number < declared.Minimum) && !(number > declared.Maximum);
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
