using LowRank.Models.Tokenization.Text;

namespace LowRank.Models.Tokenization.Bpe;

/// <summary>Everything that one encode call writes to. A tokenizer keeps a few and lends each to one call at a time, so it needs no locks.</summary>
internal sealed class EncodeScratch(bool cacheWords)
{
    /// <summary>The text on its way through normalizer and pre-tokenizer.</summary>
    public WorkingText Text { get; } = new();

    /// <summary>The tokens found so far.</summary>
    public TokenSink Tokens { get; } = new();

    /// <summary>Merges one word; other models leave the tokens of the last word there.</summary>
    public WordMerger Merger { get; } = new();

    /// <summary>The best way through one word of a Unigram model.</summary>
    public Unigram.ViterbiPath Viterbi { get; } = new();

    /// <summary>Which of the tokens are added tokens; only where places are kept.</summary>
    public List<int> AddedAt { get; } = [];

    /// <summary>Words encoded before, or null to encode every word anew (tests compare the two).</summary>
    public WordCache? Words { get; } = cacheWords ? new WordCache() : null;
}
