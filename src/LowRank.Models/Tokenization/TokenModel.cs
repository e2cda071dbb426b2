using LowRank.Models.Tokenization.Bpe;

namespace LowRank.Models.Tokenization;

/// <summary>The <c>model</c> of a tokenizer.json: turns one pre-tokenized word into tokens. Immutable; used by many threads at once.</summary>
/// <param name="tokens">The vocabulary.</param>
internal abstract class TokenModel(TokenTable tokens)
{
    /// <summary>The vocabulary.</summary>
    public TokenTable Tokens { get; } = tokens;

    /// <summary>Number of entries of the vocabulary; the id of the first added token that is not among them.</summary>
    public virtual int VocabularySize => Tokens.Count;

    /// <summary>Whether words may come as the raw bytes of a byte-level pre-tokenizer, instead of the stand-ins' text.</summary>
    public virtual bool TakesRawBytes => false;

    /// <summary>Appends the tokens of a word.</summary>
    /// <param name="word">UTF-8, or raw bytes of a byte-level pre-tokenizer.</param>
    /// <param name="raw">Whether <paramref name="word"/> is raw bytes.</param>
    /// <param name="start">Where the word begins in the text, for the tokens' places.</param>
    /// <param name="scratch">Buffers and cache of this call.</param>
    public virtual void Encode(ReadOnlySpan<byte> word, bool raw, int start, EncodeScratch scratch)
    {
        if (scratch.Words is not { } cache || word.Length > WordCache.LongestWord)
        {
            EncodeAnew(word, raw, start, scratch);
            return;
        }
        var hash = ByteHash.Of(word);
        if (cache.TryGet(word, hash, out var known))
            scratch.Tokens.Add(known[..(known.Length / 2)], known[(known.Length / 2)..], start);
        else if (EncodeAnew(word, raw, start, scratch))
            cache.Add(word, hash, scratch.Merger.Ids, scratch.Merger.Lengths);
    }

    /// <summary>
    /// Appends the tokens of a word that is not in the cache, leaving them in the merger too; false when the lengths there are not those
    /// of the tokens one after the other, so that they cannot be cached.
    /// </summary>
    protected abstract bool EncodeAnew(ReadOnlySpan<byte> word, bool raw, int start, EncodeScratch scratch);
}
