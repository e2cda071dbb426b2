namespace LowRank.Models.Tokenization.Decoding;

/// <summary>A <c>decoder</c> of tokenizer.json: turns the texts of tokens into the parts of a text. Immutable; used by many threads at once.</summary>
internal abstract class TokenDecoder
{
    /// <summary>Decodes; the list given may be changed and returned.</summary>
    public abstract List<string> Decode(List<string> tokens);
}

/// <summary>Several decoders, one after the other.</summary>
internal sealed class DecoderSequence(IReadOnlyList<TokenDecoder> parts) : TokenDecoder
{
    /// <inheritdoc/>
    public override List<string> Decode(List<string> tokens)
    {
        foreach (var part in parts) tokens = part.Decode(tokens);
        return tokens;
    }
}
