namespace LowRank.Models.Generation;

/// <summary>
/// How text is generated. The chances of a token are computed in the order of transformers: repetition penalty, temperature, top-k, top-p, min-p.
/// </summary>
public sealed record GenerationOptions
{
    /// <summary>The most tokens to generate. Default 256. Generation ends earlier at an end token, a stop text, or where the model's context is full.</summary>
    public int MaxNewTokens { get; init; } = 256;

    /// <summary>Divides the logits before the softmax. Default 0: always the likeliest token (greedy); then the other chances below are ignored.</summary>
    public double Temperature { get; init; }

    /// <summary>Keeps the fewest likeliest tokens whose probabilities add up to this. In (0, 1]; default 1, all.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Keeps this many of the likeliest tokens. Default 0, all.</summary>
    public int TopK { get; init; }

    /// <summary>Keeps tokens with at least this share of the likeliest one's probability. In [0, 1]; default 0, all.</summary>
    public double MinP { get; init; }

    /// <summary>
    /// Divides the positive and multiplies the negative logits of tokens that occurred, in the prompt too (arXiv:1909.05858). At least 1; default 1, none.
    /// It holds for greedy decoding as well.
    /// </summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>Decides what is sampled: the same seed, prompt and model give the same text. Default null: another one each time. Ignored at temperature 0.</summary>
    public long? Seed { get; init; }

    /// <summary>Texts at which generation ends; they are not part of the result. Default none.</summary>
    public IReadOnlyList<string> StopTexts { get; init; } = [];

    /// <exception cref="GenerationException">A setting is out of its range; all of them are listed.</exception>
    internal void Validate()
    {
        var wrong = new List<string>();
        Check(MaxNewTokens >= 1, $"the number of new tokens is {MaxNewTokens}, but must be at least 1");
        Check(double.IsFinite(Temperature) && Temperature >= 0, FormattableString.Invariant($"the temperature is {Temperature}, but must be 0 (greedy) or above"));
        Check(TopP is > 0 and <= 1, FormattableString.Invariant($"top-p is {TopP}, but must be above 0 and at most 1"));
        Check(TopK >= 0, $"top-k is {TopK}, but must be 0 (all) or above");
        Check(MinP is >= 0 and <= 1, FormattableString.Invariant($"min-p is {MinP}, but must be from 0 to 1"));
        Check(double.IsFinite(RepetitionPenalty) && RepetitionPenalty >= 1, FormattableString.Invariant($"the repetition penalty is {RepetitionPenalty}, but must be at least 1"));
        Check(StopTexts.All(t => t is { Length: > 0 }), "a stop text is empty");
        if (wrong.Count > 0) throw new GenerationException($"Generation cannot begin: {string.Join("; ", wrong)}.");

        void Check(bool holds, string otherwise)
        {
            if (!holds) wrong.Add(otherwise);
        }
    }
}
