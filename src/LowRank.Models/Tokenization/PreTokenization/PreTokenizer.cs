using LowRank.Models.Tokenization.Text;

namespace LowRank.Models.Tokenization.PreTokenization;

/// <summary>A <c>pre_tokenizer</c> of tokenizer.json: cuts the text into words, sometimes rewriting it. Immutable; used by many threads at once.</summary>
internal abstract class PreTokenizer
{
    /// <summary>Cuts (and rewrites) the pieces of <paramref name="text"/> that have no token yet.</summary>
    public abstract void Apply(WorkingText text, NormalizedText buffer);
}

/// <summary>Several pre-tokenizers, one after the other.</summary>
internal sealed class PreTokenizerSequence(IReadOnlyList<PreTokenizer> parts) : PreTokenizer
{
    /// <inheritdoc/>
    public override void Apply(WorkingText text, NormalizedText buffer)
    {
        foreach (var part in parts) part.Apply(text, buffer);
    }
}
