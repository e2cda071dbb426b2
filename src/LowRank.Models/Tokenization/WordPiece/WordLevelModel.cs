using LowRank.Models.Tokenization.Bpe;

namespace LowRank.Models.Tokenization.WordPiece;

/// <summary>A token for each whole word; every other word is unknown.</summary>
/// <param name="tokens">The vocabulary.</param>
/// <param name="unknownToken">The token of a word that is unknown.</param>
/// <param name="source">The file, for errors.</param>
internal sealed class WordLevelModel(TokenTable tokens, string unknownToken, string source) : TokenModel(tokens)
{
    private readonly int _unknownId = tokens.Find(unknownToken);

    /// <inheritdoc/>
    protected override bool EncodeAnew(ReadOnlySpan<byte> word, bool raw, int start, EncodeScratch scratch)
    {
        var id = Tokens.Find(word);
        if (id < 0) id = _unknownId;
        if (id < 0) throw new TokenizerFormatException($"{source}: model.unk_token '{unknownToken}' is not in the vocabulary, and the text needs it.");
        scratch.Merger.Clear();
        scratch.Merger.Add(id, word.Length);
        scratch.Tokens.Add(id, start, start + word.Length);
        return true;
    }
}
