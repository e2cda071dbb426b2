using System.Collections.Concurrent;
using System.Text;
using LowRank.Models.Tokenization.Bpe;
using LowRank.Models.Tokenization.Decoding;
using LowRank.Models.Tokenization.Loading;
using LowRank.Models.Tokenization.Normalization;
using LowRank.Models.Tokenization.PostProcessing;
using LowRank.Models.Tokenization.PreTokenization;
using LowRank.Models.Tokenization.Text;

namespace LowRank.Models.Tokenization;

/// <summary>
/// A tokenizer in the form of a Hugging Face <c>tokenizer.json</c>: BPE (byte-level or SentencePiece-style), Unigram, WordPiece or WordLevel. Ids, offsets and decoded
/// text equal those of the <c>tokenizers</c> library 0.23 (the code that transformers runs). It does not truncate or pad; those sections of
/// the file are ignored, as transformers does. Immutable and safe for many threads at once.
/// </summary>
public sealed class Tokenizer
{
    // A scratch holds about 4 MB of cache, and buffers in proportion to its longest text.
    private const int LongestKeptText = 1 << 20;
    private static readonly int MaxSpareScratches = 2 * Environment.ProcessorCount;
    private readonly TokenModel _model;
    private readonly AddedVocabulary _added;
    private readonly PreTokenizer? _preTokenizer;
    private readonly PostProcessor _postProcessor;
    private readonly TokenDecoder? _decoder;
    private readonly bool _raw, _needsAlignment, _cacheWords, _templateIsText;
    private readonly ConcurrentBag<(EncodeScratch Scratch, NormalizedText Buffer)> _spare = [];
    private int _spareCount;

    internal Tokenizer(TokenizerParts parts, bool cacheWords = true)
    {
        (_model, _added, _preTokenizer, _postProcessor, _decoder, _raw) =
            (parts.Model, parts.Added, parts.PreTokenizer, parts.PostProcessor, parts.Decoder, parts.RawBytes);
        (_needsAlignment, _cacheWords, Parts) = (parts.NeedsAlignment, cacheWords, parts);
        _templateIsText = _postProcessor.Template.Count(part => part is null) == 1;
        VocabularySize = _model.VocabularySize + _added.Tokens.Count(t => _model.Tokens.Find(t.Content) < 0);
    }

    /// <summary>Number of tokens, added ones included.</summary>
    public int VocabularySize { get; }

    /// <summary>The added tokens, in the order of their ids.</summary>
    public IReadOnlyList<AddedToken> AddedTokens => _added.Tokens;

    /// <summary>What it is made of; tests build the same one without a cache.</summary>
    internal TokenizerParts Parts { get; }

    /// <summary>Reads a tokenizer.</summary>
    /// <param name="path">A tokenizer.json, or a folder that holds one.</param>
    /// <exception cref="TokenizerFormatException">The file is missing or not a tokenizer; with line and column where it is not JSON.</exception>
    /// <exception cref="UnsupportedTokenizerFeatureException">It needs a feature that is not supported, which the exception names.</exception>
    public static Tokenizer Load(string path)
    {
        var file = Directory.Exists(path) ? Path.Combine(path, "tokenizer.json") : path;
        if (!File.Exists(file)) throw new TokenizerFormatException($"{file}: no such file. A model folder needs a tokenizer.json; one with only a tokenizer.model has to be converted with transformers first.");
        return FromJson(File.ReadAllBytes(file), file);
    }

    /// <summary>Reads a tokenizer from the text of a tokenizer.json.</summary>
    /// <param name="utf8">The JSON as UTF-8.</param>
    /// <param name="source">Where it comes from, for errors.</param>
    /// <exception cref="TokenizerFormatException">It is not JSON, or not a tokenizer.</exception>
    /// <exception cref="UnsupportedTokenizerFeatureException">It needs a feature that is not supported, which the exception names.</exception>
    public static Tokenizer FromJson(ReadOnlySpan<byte> utf8, string source) => new(TokenizerJsonReader.Read(utf8, source));

    /// <summary>The token ids of a text. Unpaired surrogates count as U+FFFD.</summary>
    /// <param name="text">The text.</param>
    /// <param name="addSpecialTokens">Whether the tokens that the file's post-processor puts around a text are added, such as a begin-of-text token.</param>
    public int[] Encode(string text, bool addSpecialTokens = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        var (scratch, buffer) = Rent();
        Run(text, keepPlaces: false, scratch, buffer);
        var ids = scratch.Tokens.Ids;
        if (!addSpecialTokens && _templateIsText)
        {
            var plain = ids.ToArray();
            Return(text, scratch, buffer);
            return plain;
        }
        var result = new List<int>(ids.Length + 4);
        foreach (var part in _postProcessor.Template)
        {
            if (part is null) result.AddRange(ids);
            else if (addSpecialTokens) result.AddRange(part);
        }
        Return(text, scratch, buffer);
        return [.. result];
    }

    /// <summary>The tokens of a text with their places in it. Unpaired surrogates count as U+FFFD.</summary>
    /// <param name="text">The text.</param>
    /// <param name="addSpecialTokens">As for <see cref="Encode"/>.</param>
    public TokenizerEncoding EncodeWithOffsets(string text, bool addSpecialTokens = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        var (scratch, buffer) = Rent();
        Run(text, keepPlaces: true, scratch, buffer);
        var ids = scratch.Tokens.Ids;
        var offsets = OffsetsOf(scratch);
        if (!addSpecialTokens && _templateIsText)
        {
            var plain = new TokenizerEncoding(ids.ToArray(), offsets);
            Return(text, scratch, buffer);
            return plain;
        }
        var allIds = new List<int>(ids.Length + 4);
        var allOffsets = new List<(int, int)>(ids.Length + 4);
        foreach (var part in _postProcessor.Template)
        {
            if (part is null)
            {
                allIds.AddRange(ids);
                allOffsets.AddRange(offsets);
            }
            else if (addSpecialTokens)
            {
                allIds.AddRange(part);
                allOffsets.AddRange(Enumerable.Repeat((0, 0), part.Length));
            }
        }
        Return(text, scratch, buffer);
        return new TokenizerEncoding([.. allIds], [.. allOffsets]);
    }

    /// <summary>The text of token ids. Ids that are not in the vocabulary give nothing; bytes that are no text give U+FFFD.</summary>
    /// <param name="ids">The token ids.</param>
    /// <param name="skipSpecialTokens">Whether special tokens are left out.</param>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = false)
    {
        if (_decoder is ByteLevelDecoder) return DecodeBytes(ids, skipSpecialTokens);
        var tokens = new List<string>(ids.Length);
        foreach (var id in ids)
            if (IdToToken(id) is { } token && !(skipSpecialTokens && _added.IsSpecialText(token)))
                tokens.Add(token);
        return _decoder is null ? string.Join(' ', tokens) : string.Concat(_decoder.Decode(tokens));
    }

    /// <summary>A decoder that takes one id at a time and gives text as soon as it is certain.</summary>
    /// <param name="skipSpecialTokens">Whether special tokens are left out.</param>
    public StreamingDecoder CreateStreamingDecoder(bool skipSpecialTokens = false) => new(this, skipSpecialTokens);

    /// <summary>The id of a token by its text in the vocabulary (byte-level tokens in their stand-ins), or null.</summary>
    public int? TokenToId(string token) =>
        _added.TryGetId(token, out var id) ? id : _model.Tokens.Find(token) is >= 0 and var known ? known : null;

    /// <summary>The text in the vocabulary of a token, or null where the id is not taken.</summary>
    public string? IdToToken(int id) =>
        _added.TextOf(id) ?? (_model.Tokens.TryGetBytes(id, out var bytes) ? Encoding.UTF8.GetString(bytes) : null);

    /// <summary>Whether the id is that of a special token, which decoding may skip.</summary>
    public bool IsSpecial(int id) => _added.IsSpecial(id);

    private void Run(string text, bool keepPlaces, EncodeScratch scratch, NormalizedText buffer)
    {
        var working = scratch.Text;
        working.Reset(text, keepPlaces || _needsAlignment);
        scratch.Tokens.Reset(keepPlaces);
        scratch.AddedAt.Clear();
        _added.Extract(working, buffer);
        _preTokenizer?.Apply(working, buffer);
        var bytes = working.Bytes;
        foreach (var piece in working.Pieces)
        {
            if (piece.TokenId != Piece.NoToken)
            {
                if (keepPlaces) scratch.AddedAt.Add(scratch.Tokens.Count);
                scratch.Tokens.Add(piece.TokenId, piece.Start, piece.End);
            }
            else if (piece.End > piece.Start)
            {
                _model.Encode(bytes[piece.Start..piece.End], _raw, piece.Start, scratch);
            }
        }
    }

    private (int Start, int End)[] OffsetsOf(EncodeScratch scratch)
    {
        var tokens = scratch.Tokens;
        var offsets = new (int Start, int End)[tokens.Count];
        for (int i = 0, added = 0; i < offsets.Length; i++)
        {
            offsets[i] = scratch.Text.OriginalCodePoints(tokens.Start(i), tokens.End(i));
            var isAdded = added < scratch.AddedAt.Count && scratch.AddedAt[added] == i;
            if (isAdded) added++;
            foreach (var addPrefixSpace in _postProcessor.Trims)
            {
                var text = scratch.Text.Bytes[tokens.Start(i)..tokens.End(i)];
                if (!isAdded) _model.Tokens.TryGetBytes(tokens.Ids[i], out text);
                offsets[i] = OffsetTrimmer.Trim(text, offsets[i], i == 0, addPrefixSpace);
            }
        }
        return offsets;
    }

    private string DecodeBytes(ReadOnlySpan<int> ids, bool skipSpecialTokens)
    {
        var bytes = new List<byte>(ids.Length * 5);
        foreach (var id in ids)
        {
            if (_added.TextOf(id) is { } added)
            {
                if (!skipSpecialTokens || !_added.IsSpecialText(added)) ByteLevelDecoder.AppendBytes(Encoding.UTF8.GetBytes(added), bytes);
            }
            else if (_model.Tokens.TryGetBytes(id, out var token))
            {
                ByteLevelDecoder.AppendBytes(token, bytes);
            }
        }
        return Encoding.UTF8.GetString(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes));
    }

    private (EncodeScratch Scratch, NormalizedText Buffer) Rent()
    {
        if (!_spare.TryTake(out var spare)) return (new EncodeScratch(_cacheWords), new NormalizedText());
        Interlocked.Decrement(ref _spareCount);
        return spare;
    }

    private void Return(string text, EncodeScratch scratch, NormalizedText buffer)
    {
        if (text.Length > LongestKeptText || Volatile.Read(ref _spareCount) >= MaxSpareScratches) return;
        Interlocked.Increment(ref _spareCount);
        _spare.Add((scratch, buffer));
    }
}
