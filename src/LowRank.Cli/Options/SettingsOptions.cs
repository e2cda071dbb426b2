using System.CommandLine;
using LowRank.Training.Settings;

namespace LowRank.Cli.Options;

/// <summary>The settings of a record as options, and the file that may hold them.</summary>
/// <param name="settings">The settings, such as <see cref="SettingsSchema{T}.All"/> of a run.</param>
internal sealed class SettingsOptions(IReadOnlyList<Setting> settings)
{
    private readonly IReadOnlyList<SettingOption> options = [.. settings.Select(s => new SettingOption(s))];

    private readonly Option<string> config = new("--config") { Description = "A YAML file with these settings by the names of the options; options win over it.", HelpName = "FILE" };

    /// <summary>Adds the options to a verb, grouped as the settings are.</summary>
    public void AddTo(VerbCommand verb)
    {
        foreach (var group in options.GroupBy(o => o.Setting.Group)) verb.AddGroup(group.Key ?? "Settings", [.. group]);
        verb.AddGroup("File", [config]);
    }

    /// <summary>What was written in the file and on the command line, in this order.</summary>
    /// <exception cref="LowRankException">The file is missing or is not YAML.</exception>
    public IReadOnlyList<SettingEntry> Entries(ParseResult parsed)
    {
        var entries = new List<SettingEntry>();
        if (parsed.GetValue(config) is { } path) entries.AddRange(SettingsYaml.Read(path));
        foreach (var option in options)
            if (option.EntryOf(parsed) is { } entry) entries.Add(entry);
        return entries;
    }
}
