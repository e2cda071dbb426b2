using System.Text;
using LowRank.Models.Tokenization.Bpe;
using LowRank.Models.Tokenization.Text;

namespace LowRank.Models.Tokenization.WordPiece;

/// <summary>
/// WordPiece of BERT: the longest token that a word begins with, then the longest continuation, and so on; a word that cannot be made up
/// so, or is too long, is one unknown token. Equal to the WordPiece model of Hugging Face tokenizers 0.23.
/// </summary>
/// <param name="tokens">The vocabulary.</param>
/// <param name="unknownToken">The token of a word that is unknown.</param>
/// <param name="continuingPrefix">What the tokens inside a word begin with, such as <c>##</c>.</param>
/// <param name="maxCharacters">Longer words, in code points, are unknown.</param>
/// <param name="source">The file, for errors.</param>
internal sealed class WordPieceModel(TokenTable tokens, string unknownToken, string continuingPrefix, int maxCharacters, string source) : TokenModel(tokens)
{
    private readonly byte[] _prefix = Encoding.UTF8.GetBytes(continuingPrefix);
    private readonly int _unknownId = tokens.Find(unknownToken);

    /// <inheritdoc/>
    protected override bool EncodeAnew(ReadOnlySpan<byte> word, bool raw, int start, EncodeScratch scratch)
    {
        var merger = scratch.Merger;
        merger.Clear();
        if (CountCharacters(word) > maxCharacters || !Cut(word, merger))
        {
            merger.Clear();
            merger.Add(_unknownId >= 0 ? _unknownId
                : throw new TokenizerFormatException($"{source}: model.unk_token '{unknownToken}' is not in the vocabulary, and the text needs it."), word.Length);
        }
        scratch.Tokens.Add(merger.Ids, merger.Lengths, start);
        return true;
    }

    private bool Cut(ReadOnlySpan<byte> word, WordMerger merger)
    {
        // The prefix stands before the rest of the word, so that each candidate is a slice of one buffer.
        Span<byte> buffer = _prefix.Length + word.Length <= 512 ? stackalloc byte[512] : new byte[_prefix.Length + word.Length];
        for (var start = 0; start < word.Length;)
        {
            var skip = start == 0 ? 0 : _prefix.Length;
            _prefix.AsSpan(0, skip).CopyTo(buffer);
            word[start..].CopyTo(buffer[skip..]);
            var (end, id) = (word.Length, -1);
            for (; end > start; end = Utf8.StartBefore(word, end))
                if ((id = Tokens.Find(buffer[..(skip + end - start)])) >= 0) break;
            if (id < 0) return false;
            merger.Add(id, end - start);
            start = end;
        }
        return true;
    }

    private static int CountCharacters(ReadOnlySpan<byte> word)
    {
        var count = 0;
        foreach (var b in word)
            if ((b & 0xC0) != 0x80) count++;
        return count;
    }
}
