using LowRank.Models.Tokenization.Bpe;
using LowRank.Models.Tokenization.Patterns;
using LowRank.Models.Tokenization.Text;

namespace LowRank.Models.Tokenization.PreTokenization;

/// <summary>
/// GPT-2's pre-tokenizer. With <paramref name="raw"/> the bytes stay as they are, because the model takes raw bytes: then it has to be the
/// last pre-tokenizer. Otherwise they are written as their stand-ins, for whatever comes after.
/// </summary>
internal sealed class ByteLevelPreTokenizer(bool addPrefixSpace, bool useRegex, bool raw) : PreTokenizer
{
    private readonly SplitPreTokenizer? _split = useRegex ? new SplitPreTokenizer(new Gpt2Pattern(), SplitBehavior.Isolated, invert: false) : null;
    private readonly Normalization.ByteLevelNormalizer _standIns = new();

    /// <inheritdoc/>
    public override void Apply(WorkingText text, NormalizedText buffer)
    {
        if (addPrefixSpace && AnyNeedsSpace(text))
            text.Rewrite(buffer, this, static (t, _) =>
            {
                if (t.Length > 0 && t.Bytes[0] != ' ') t.Prepend(" "u8);
            });
        _split?.Apply(text, buffer);
        if (!raw) text.Rewrite(buffer, _standIns, static (t, standIns) => standIns.Apply(t));
    }

    private static bool AnyNeedsSpace(WorkingText text)
    {
        foreach (var piece in text.Pieces)
            if (piece.TokenId == Piece.NoToken && text.Bytes[piece.Start] != ' ') return true;
        return false;
    }
}
