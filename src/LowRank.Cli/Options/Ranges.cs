using System.CommandLine;
using System.Globalization;

namespace LowRank.Cli.Options;

/// <summary>Ranges of options that are no settings of a run.</summary>
internal static class Ranges
{
    /// <summary>Refuses smaller numbers.</summary>
    public static Option<int> AtLeast(this Option<int> option, int least)
    {
        option.Validators.Add(result => Check(result, result.Tokens.Count > 0 ? result.GetValueOrDefault<int>() : least, least));
        return option;
    }

    /// <summary>Refuses smaller numbers; nothing given is fine.</summary>
    public static Option<int?> AtLeast(this Option<int?> option, int least)
    {
        option.Validators.Add(result => Check(result, result.GetValueOrDefault<int?>() ?? least, least));
        return option;
    }

    private static void Check(System.CommandLine.Parsing.OptionResult result, int value, int least)
    {
        if (value < least) result.AddError(string.Create(CultureInfo.InvariantCulture, $"{result.Option.Name} must be at least {least}."));
    }
}
