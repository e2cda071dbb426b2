namespace LowRank.Models.Tokenization.PostProcessing;

/// <summary>
/// A <c>post_processor</c> of tokenizer.json for single sequences: which offsets are trimmed of white space, and which special tokens go
/// around the text. Every kind comes down to these two.
/// </summary>
/// <param name="Trims">One entry for each trimming: whether a prefix space was added, so that one leading space of the first token stays.</param>
/// <param name="Template">Ids of special tokens, and null for the text itself.</param>
internal sealed record PostProcessor(IReadOnlyList<bool> Trims, IReadOnlyList<int[]?> Template)
{
    /// <summary>Changes nothing.</summary>
    public static PostProcessor None { get; } = new([], [null]);
}
