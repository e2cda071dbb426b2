using LowRank.Models.Tokenization.Bpe;
using LowRank.Models.Tokenization.Text;

namespace LowRank.Models.Tokenization.Unigram;

/// <summary>
/// The unigram language model of SentencePiece (Kudo, "Subword Regularization", 2018): of all ways to cut a word into tokens the one
/// with the largest sum of log probabilities, found by Viterbi's algorithm. It follows encode_optimized of Hugging Face tokenizers 0.23:
/// an unknown character costs 10 more than the least probable token, a run of them is one unknown token, and with byte fallback it
/// becomes its bytes where the vocabulary has them all.
/// </summary>
internal sealed class UnigramModel : TokenModel
{
    private const double UnknownPenalty = 10;
    private readonly double[] _scores;
    private readonly double _unknownScore;
    private readonly int? _unknownId;
    private readonly int[]? _byteIds;
    private readonly PrefixTrie _trie;
    private readonly string _source;

    /// <summary>Makes a model.</summary>
    /// <param name="tokens">The vocabulary.</param>
    /// <param name="scores">The log probability of each id; as many as the file has entries.</param>
    /// <param name="unknownId">The token of unknown text, or null: such text is then an error.</param>
    /// <param name="byteFallback">Whether unknown text becomes tokens such as <c>&lt;0xE2&gt;</c>.</param>
    /// <param name="source">The file, for errors.</param>
    public UnigramModel(TokenTable tokens, double[] scores, int? unknownId, bool byteFallback, string source) : base(tokens)
    {
        (_scores, _unknownId, _source) = (scores, unknownId, source);
        _unknownScore = scores.Length == 0 ? 0 : scores.Min() - UnknownPenalty;
        _trie = new PrefixTrie(tokens);
        if (byteFallback) _byteIds = [.. Enumerable.Range(0, 256).Select(b => tokens.Find($"<0x{b:X2}>"))];
    }

    /// <inheritdoc/>
    public override int VocabularySize => _scores.Length;

    /// <inheritdoc/>
    protected override bool EncodeAnew(ReadOnlySpan<byte> word, bool raw, int start, EncodeScratch scratch)
    {
        var path = scratch.Viterbi;
        FindBest(word, path);
        scratch.Merger.Clear();
        var additive = true;
        for (var i = path.Tokens.Count - 1; i >= 0; i--)
        {
            var (from, to, id) = path.Tokens[i];
            if (id == _unknownId) id = Tokens.Find(word[from..to]);
            if (id < 0 && AddBytes(word[from..to], start + from, scratch))
            {
                additive = false;
                continue;
            }
            if (id < 0) id = UnknownId;
            scratch.Merger.Add(id, to - from);
            scratch.Tokens.Add(id, start + from, start + to);
        }
        return additive;
    }

    private int UnknownId => _unknownId
        ?? throw new TokenizerFormatException($"{_source}: model.unk_id is missing, and the text has a character that is not in the vocabulary.");

    private void FindBest(ReadOnlySpan<byte> word, ViterbiPath path)
    {
        path.Reset(word.Length);
        for (int at = 0, length; at < word.Length; at += length)
        {
            length = Utf8.LengthAt(word, at);
            var here = path.ScoreAt(at);
            var known = false; // whether the character alone is a token
            var walk = _trie.From(word, at);
            while (walk.Next())
            {
                var score = _scores[walk.Id] + here;
                if (path.IsBetter(walk.End, score)) path.Take(at, walk.End, walk.Id, score);
                known |= walk.End == at + length;
            }
            if (!known && path.IsBetter(at + length, _unknownScore + here)) path.Take(at, at + length, UnknownId, _unknownScore + here);
        }
        for (var end = word.Length; end > 0;)
        {
            var (start, id) = path.LastBefore(end);
            if (id == _unknownId && path.Tokens.Count > 0 && path.Tokens[^1] is var later && later.Id == _unknownId) path.Tokens[^1] = later with { Start = start };
            else path.Tokens.Add((start, end, id));
            end = start;
        }
    }

    /// <summary>Unknown text as its bytes, each at the place of the whole text, as the reference gives them.</summary>
    private bool AddBytes(ReadOnlySpan<byte> text, int start, EncodeScratch scratch)
    {
        if (_byteIds is null) return false;
        foreach (var b in text)
            if (_byteIds[b] < 0) return false;
        foreach (var b in text) scratch.Tokens.Add(_byteIds[b], start, start + text.Length);
        return true;
    }
}
