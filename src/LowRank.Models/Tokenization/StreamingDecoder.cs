using System.Text;

namespace LowRank.Models.Tokenization;

/// <summary>
/// Decodes ids one at a time, as a model generates them. A chunk is given once the ids so far end in whole characters; joined, the chunks
/// are the decoded text. It repeats what DecodeStream of Hugging Face tokenizers does, chunk for chunk. Not safe for many threads at once.
/// </summary>
public sealed class StreamingDecoder
{
    private readonly Tokenizer _tokenizer;
    private readonly bool _skipSpecialTokens;
    private readonly List<int> _ids = [];
    private string _prefix = "";
    private int _prefixIndex;

    internal StreamingDecoder(Tokenizer tokenizer, bool skipSpecialTokens) => (_tokenizer, _skipSpecialTokens) = (tokenizer, skipSpecialTokens);

    /// <summary>Takes the next id and gives the text that it completes, or null where nothing can be shown yet.</summary>
    /// <exception cref="TokenizerFormatException">The tokenizer's decoder changes text that was given already, so it cannot be streamed.</exception>
    public string? Next(int id)
    {
        // Ids of which nothing was shown, such as skipped special tokens, may still matter for what follows: they become the prefix.
        if (_prefix.Length == 0 && _ids.Count > 0 && Decode() is var earlier && !earlier.EndsWith('\uFFFD'))
            (_prefix, _prefixIndex) = (earlier, _ids.Count);
        _ids.Add(id);
        var text = Decode();
        if (Encoding.UTF8.GetByteCount(text) <= Encoding.UTF8.GetByteCount(_prefix) || text.EndsWith('\uFFFD')) return null;
        if (!text.StartsWith(_prefix, StringComparison.Ordinal))
            throw new TokenizerFormatException($"Token {id} changes text that was decoded already ('{_prefix}' to '{text}'), so this tokenizer cannot decode step by step. Decode the whole sequence instead.");
        var chunk = text[_prefix.Length..];
        var kept = _ids.Count - _prefixIndex;
        _ids.RemoveRange(0, _prefixIndex);
        _prefix = Decode();
        _prefixIndex = kept;
        return chunk;
    }

    private string Decode() => _tokenizer.Decode(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_ids), _skipSpecialTokens);
}
