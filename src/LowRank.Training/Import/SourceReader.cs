using System.Globalization;
using LowRank.Training.Settings;

namespace LowRank.Training.Import;

/// <summary>Reads a file of another tool key by key and sets what it means.</summary>
/// <param name="document">The file.</param>
/// <param name="run">What it becomes.</param>
/// <param name="tool">The tool's name, for comments.</param>
/// <param name="options">How.</param>
internal sealed class SourceReader(SourceDocument document, ImportedRun run, string tool, ImportOptions options)
{
    /// <summary>The reason for keys that are switched off or say what LowRank does anyway.</summary>
    public const string AsHere = "switched off, or at the value that is used here";

    /// <summary>The file.</summary>
    public SourceDocument Document => document;

    /// <summary>What it becomes.</summary>
    public ImportedRun Run => run;

    /// <summary>The tool's name.</summary>
    public string Tool => tool;

    /// <summary>How.</summary>
    public ImportOptions Options => options;

    /// <summary>Whether another file of the same import says which adapter is trained.</summary>
    public bool HasAdapterFile { get; init; }

    /// <summary>Sets a setting from a key.</summary>
    public void Set(string setting, string value, string key, string? origin = null) => run.Set(setting, value, origin ?? key, document.Where(key));

    /// <summary>Takes the value of a key as it is. Without one, the tool's default is set where it is not LowRank's.</summary>
    /// <param name="key">The tool's key.</param>
    /// <param name="setting">LowRank's.</param>
    /// <param name="standard">The tool's default; null where it has none or leaves it open.</param>
    public void Copy(string key, string setting, string? standard = null)
    {
        if (document.Take(key) is not { } value) Default(setting, standard, key);
        else if (value.Text is { } text) Set(setting, text, key);
        else Refuse(key, $"{value.Shown}: expected one value.");
    }

    /// <summary>Takes a key that is true or false.</summary>
    public void CopyFlag(string key, string setting, bool standard = false)
    {
        if (Flag(key) is { } flag) Set(setting, flag ? "true" : "false", key);
        else Default(setting, standard ? "true" : "false", key);
    }

    /// <summary>Takes a list of names, or a text with commas.</summary>
    public void CopyNames(string key, string setting)
    {
        if (document.Take(key) is not { } value) return;
        if (value.Texts is { Count: > 0 } names) Set(setting, string.Join(',', names), key);
        else Refuse(key, $"{value.Shown}: expected names.");
    }

    /// <summary>Writes out the tool's default where it is another one than LowRank's.</summary>
    /// <param name="setting">LowRank's key.</param>
    /// <param name="value">The tool's default; null for none.</param>
    /// <param name="key">The tool's key, or what the default is.</param>
    public void Default(string setting, string? value, string key)
    {
        if (value is null || value == Setting.Format(SettingsSchema<TrainSettings>.Find(setting)!.Default)) return;
        run.Set(setting, value, $"{tool}'s default ({key})", document.Path);
    }

    /// <summary>The value of a switch; null where the key is absent.</summary>
    public bool? Flag(string key)
    {
        if (document.Take(key) is not { } value) return null;
        if (value.Flag is null) Refuse(key, $"{value.Shown}: expected true or false.");
        return value.Flag;
    }

    /// <summary>The value of a switch.</summary>
    public bool Flag(string key, bool standard) => Flag(key) ?? standard;

    /// <summary>The number of a key; null where it is absent.</summary>
    public double? Number(string key)
    {
        if (document.Take(key) is not { } value) return null;
        if (value.Number is null) Refuse(key, $"{value.Shown}: expected a number.");
        return value.Number;
    }

    /// <summary>The text of a key; null where it is absent.</summary>
    public string? Text(string key)
    {
        if (document.Take(key) is not { } value) return null;
        if (value.Text is null) Refuse(key, $"{value.Shown}: expected one value.");
        return value.Text;
    }

    /// <summary>The members of a mapping; none where the key is absent.</summary>
    public IEnumerable<KeyValuePair<string, SourceValue>> Members(string key)
    {
        if (document.Take(key) is not { } value) return [];
        if (value.Members is { } members) return members;
        Refuse(key, $"{value.Shown}: expected keys with values.");
        return [];
    }

    /// <summary>Tells of keys, where they are there, that the result does not depend on.</summary>
    public void Skip(string reason, params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
            if (document.Take(key) is not null) run.HasNoEffect(key, reason);
    }

    /// <summary>Refuses the value of a key.</summary>
    public void Refuse(string key, string reason) => run.Refuse(key, document.Where(key), reason);

    /// <summary>A number as LowRank's settings take it.</summary>
    public static string Format(double number) => number.ToString("R", CultureInfo.InvariantCulture);
}
