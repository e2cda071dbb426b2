using System.CommandLine;
using LowRank.Training.Settings;

namespace LowRank.Cli.Options;

/// <summary>An option that is a <see cref="Setting"/>. Its text is judged by the binder, so that all that is wrong is told together.</summary>
internal sealed class SettingOption : Option<string>
{
    public SettingOption(Setting setting) : base("--" + setting.Key)
    {
        Setting = setting;
        Description = setting.Help;
        HelpName = setting.ValueName;
        // A switch needs no value: --packing is --packing true.
        Arity = setting.IsSwitch ? ArgumentArity.ZeroOrOne : ArgumentArity.ExactlyOne;
    }

    /// <summary>The setting.</summary>
    public Setting Setting { get; }

    /// <summary>What was given, or null where the option is absent.</summary>
    public SettingEntry? EntryOf(ParseResult parsed)
    {
        if (parsed.GetResult(this) is not { Implicit: false } given) return null;
        var text = given.Tokens.Count > 0 ? given.Tokens[0].Value : "true";
        return new SettingEntry(Setting.Key, text, Name);
    }
}
