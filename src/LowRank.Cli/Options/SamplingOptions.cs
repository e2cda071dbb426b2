using System.CommandLine;
using System.Globalization;
using LowRank.Models.Generation;

namespace LowRank.Cli.Options;

/// <summary><see cref="GenerationOptions"/> as options; their defaults are its own.</summary>
internal sealed class SamplingOptions
{
    private static readonly GenerationOptions Standard = new();

    private readonly Option<int> maxNewTokens = Of("--max-new-tokens", "Most tokens to generate.", Standard.MaxNewTokens, "COUNT");
    private readonly Option<double> temperature = Of("--temperature", "Divides the logits; 0 always takes the likeliest token.", Standard.Temperature, "NUMBER");
    private readonly Option<double> topP = Of("--top-p", "Keeps the fewest likeliest tokens whose probabilities add up to this.", Standard.TopP, "SHARE");
    private readonly Option<int> topK = Of("--top-k", "Keeps so many of the likeliest tokens; 0 keeps all.", Standard.TopK, "COUNT");
    private readonly Option<double> minP = Of("--min-p", "Keeps tokens with at least this share of the likeliest one's probability.", Standard.MinP, "SHARE");
    private readonly Option<double> penalty = Of("--repetition-penalty", "Makes tokens that occurred less likely; 1 does not.", Standard.RepetitionPenalty, "NUMBER");
    private readonly Option<long?> seed = new("--seed") { Description = "Makes sampling repeatable. [default: another one each time]", HelpName = "NUMBER" };
    private readonly Option<string[]> stop = new("--stop") { Description = "A text at which generation ends; may be given several times.", HelpName = "TEXT", Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = false };

    /// <summary>Adds the options to a verb.</summary>
    public void AddTo(VerbCommand verb) => verb.AddGroup("generation", [maxNewTokens, temperature, topP, topK, minP, penalty, seed, stop]);

    /// <summary>What was asked for; its ranges are checked when generation begins.</summary>
    public GenerationOptions Read(ParseResult parsed) => new()
    {
        MaxNewTokens = parsed.GetValue(maxNewTokens),
        Temperature = parsed.GetValue(temperature),
        TopP = parsed.GetValue(topP),
        TopK = parsed.GetValue(topK),
        MinP = parsed.GetValue(minP),
        RepetitionPenalty = parsed.GetValue(penalty),
        Seed = parsed.GetValue(seed),
        StopTexts = parsed.GetValue(stop) ?? [],
    };

    private static Option<T> Of<T>(string name, string help, T standard, string value) => new(name)
    {
        Description = help + string.Create(CultureInfo.InvariantCulture, $" [default: {standard}]"), HelpName = value, DefaultValueFactory = _ => standard,
    };
}
