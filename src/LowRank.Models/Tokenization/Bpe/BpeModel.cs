using LowRank.Models.Tokenization.Text;

namespace LowRank.Models.Tokenization.Bpe;

/// <summary>What a <c>model</c> section of type BPE says beside vocabulary and merges.</summary>
internal sealed record BpeOptions
{
    public string? UnknownToken { get; init; }
    public string ContinuingSubwordPrefix { get; init; } = "";
    public string EndOfWordSuffix { get; init; } = "";
    public bool FuseUnknown { get; init; }
    public bool ByteFallback { get; init; }
    public bool IgnoreMerges { get; init; }
}

/// <summary>
/// Byte pair encoding of one pre-tokenized word, equal to the BPE model of Hugging Face tokenizers 0.23. Words come either as UTF-8,
/// whose characters are the first symbols, or (after a byte-level pre-tokenizer) as raw bytes, which saves writing the stand-ins.
/// </summary>
internal sealed class BpeModel : TokenModel
{
    private const int Unresolved = -1;
    private readonly BpeOptions _options;
    private readonly string _source;
    private readonly int[] _asciiIds = new int[128];
    private readonly int[] _byteIds = new int[256];
    private readonly int[] _fallbackIds = new int[256];
    private readonly int _unknownId;
    private readonly bool _affixes;
    private readonly TokenTable? _rawTokens;
    private readonly WordBoundary? _boundary;

    public BpeModel(TokenTable tokens, MergeTable merges, BpeOptions options, string source) : base(tokens)
    {
        (Merges, _options, _source) = (merges, options, source);
        _affixes = options.ContinuingSubwordPrefix.Length + options.EndOfWordSuffix.Length > 0;
        _unknownId = options.UnknownToken is { } unknown ? tokens.Find(unknown) : Unresolved;
        for (var c = 0; c < 128; c++) _asciiIds[c] = tokens.Find([(byte)c]);
        for (var b = 0; b < 256; b++)
        {
            _byteIds[b] = tokens.Find(ByteAlphabet.ToChar((byte)b).ToString());
            _fallbackIds[b] = tokens.Find($"<0x{b:X2}>");
        }
        if (options.IgnoreMerges && TakesRawBytes) _rawTokens = RawTokens(tokens);
        if (!options.IgnoreMerges && !_affixes) _boundary = WordBoundary.For(tokens, merges, _fallbackIds, _unknownId);
    }

    public MergeTable Merges { get; }

    // Prefixes and suffixes of subwords need the text of a word.
    /// <inheritdoc/>
    public override bool TakesRawBytes => !_affixes;

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<byte> word, bool raw, int start, EncodeScratch scratch)
    {
        if (_options.IgnoreMerges)
        {
            var id = raw ? _rawTokens!.Find(word) : Tokens.Find(word);
            if (id >= 0)
            {
                scratch.Tokens.Add(id, start, start + word.Length);
                return;
            }
        }
        if (raw || _boundary is null)
        {
            base.Encode(word, raw, start, scratch);
            return;
        }
        while (word.Length > 0)
        {
            var length = _boundary.NextCut(word);
            base.Encode(word[..length], raw: false, start, scratch);
            word = word[length..];
            start += length;
        }
    }

    /// <inheritdoc/>
    protected override bool EncodeAnew(ReadOnlySpan<byte> word, bool raw, int start, EncodeScratch scratch)
    {
        var merger = scratch.Merger;
        merger.Clear();
        if (raw)
        {
            foreach (var b in word)
            {
                if (_byteIds[b] < 0)
                {
                    MergeStandIns(word, start, scratch);
                    return false;
                }
                merger.Add(_byteIds[b], 1);
            }
        }
        else
        {
            AddCharacters(word, merger);
        }
        merger.Merge(Merges);
        scratch.Tokens.Add(merger.Ids, merger.Lengths, start);
        return true;
    }

    /// <summary>
    /// A word of raw bytes of which some have no stand-in in the vocabulary. The reference drops those, and as it counts the bytes of the
    /// stand-ins that are left, the places of what follows move; so it is done on the stand-ins' text here too.
    /// </summary>
    private void MergeStandIns(ReadOnlySpan<byte> word, int start, EncodeScratch scratch)
    {
        var text = new List<byte>(word.Length * 2);
        var rawOf = new List<int>(word.Length * 2);
        for (var i = 0; i < word.Length; i++)
        {
            text.AddRange(System.Text.Encoding.UTF8.GetBytes(ByteAlphabet.ToChar(word[i]).ToString()));
            while (rawOf.Count < text.Count) rawOf.Add(i);
        }
        scratch.Merger.Clear();
        AddCharacters(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(text), scratch.Merger);
        scratch.Merger.Merge(Merges);
        var at = 0;
        for (var i = 0; i < scratch.Merger.Count; i++)
        {
            var length = scratch.Merger.Lengths[i];
            scratch.Tokens.Add(scratch.Merger.Ids[i], start + rawOf[at], start + rawOf[at + length - 1] + 1);
            at += length;
        }
    }

    private void AddCharacters(ReadOnlySpan<byte> word, WordMerger merger)
    {
        var unknownLength = -1; // length of unknown text not yet added, -1: none
        for (int i = 0, length; i < word.Length; i += length)
        {
            length = Utf8.LengthAt(word, i);
            var symbol = word.Slice(i, length);
            if (_affixes) symbol = WithAffixes(symbol, first: i == 0, last: i + length == word.Length);
            var id = symbol.Length == 1 && symbol[0] < 128 ? _asciiIds[symbol[0]] : Tokens.Find(symbol);
            if (id >= 0)
            {
                if (unknownLength >= 0) merger.Add(UnknownId, unknownLength);
                unknownLength = -1;
                merger.Add(id, length);
                continue;
            }
            // As in the reference, bytes do not end a run of unknown text: it is added at the next known symbol.
            if (_options.ByteFallback && AddBytes(symbol, merger)) continue;
            if (_options.UnknownToken is null) continue;
            if (unknownLength >= 0 && _options.FuseUnknown)
            {
                unknownLength += length;
                continue;
            }
            if (unknownLength >= 0) merger.Add(UnknownId, unknownLength);
            unknownLength = length;
            _ = UnknownId;
        }
        if (unknownLength >= 0) merger.Add(UnknownId, unknownLength);
    }

    private int UnknownId => _unknownId >= 0 ? _unknownId
        : throw new TokenizerFormatException($"{_source}: model.unk_token '{_options.UnknownToken}' is not in the vocabulary, and the text needs it.");

    private bool AddBytes(ReadOnlySpan<byte> symbol, WordMerger merger)
    {
        foreach (var b in symbol)
            if (_fallbackIds[b] < 0) return false;
        foreach (var b in symbol) merger.Add(_fallbackIds[b], 1);
        return true;
    }

    private byte[] WithAffixes(ReadOnlySpan<byte> symbol, bool first, bool last)
    {
        var prefix = first ? "" : _options.ContinuingSubwordPrefix;
        var suffix = last ? _options.EndOfWordSuffix : "";
        return [.. System.Text.Encoding.UTF8.GetBytes(prefix), .. symbol, .. System.Text.Encoding.UTF8.GetBytes(suffix)];
    }

    private static TokenTable RawTokens(TokenTable tokens)
    {
        var raw = new TokenTable(tokens.Count, tokens.Count * 8);
        Span<byte> buffer = new byte[1 << 10];
        for (var id = 0; id < tokens.IdLimit; id++)
        {
            if (!tokens.TryGetBytes(id, out var token)) continue;
            if (token.Length > buffer.Length) buffer = new byte[token.Length];
            if (ByteAlphabet.TryDecode(token, buffer, out var written)) raw.Add(buffer[..written], id);
        }
        return raw;
    }
}
