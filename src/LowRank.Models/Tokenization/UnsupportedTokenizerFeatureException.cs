namespace LowRank.Models.Tokenization;

/// <summary>A tokenizer that is valid but asks for something LowRank does not implement, such as merges left out at random (<c>dropout</c>).</summary>
public sealed class UnsupportedTokenizerFeatureException : TokenizerFormatException
{
    /// <summary>Refuses <paramref name="feature"/> of the tokenizer in <paramref name="source"/>.</summary>
    /// <param name="feature">The feature as the file names it, such as <c>model.dropout</c>.</param>
    /// <param name="source">The file the tokenizer comes from.</param>
    public UnsupportedTokenizerFeatureException(string feature, string source)
        : base($"{source}: {feature} is not supported. Use a model with another tokenizer, or convert this one.") => Feature = feature;

    /// <summary>The feature that is not supported, as the file names it.</summary>
    public string Feature { get; }
}
