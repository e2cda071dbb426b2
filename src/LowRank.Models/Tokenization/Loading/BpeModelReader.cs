using System.Runtime.CompilerServices;
using System.Text.Json;
using LowRank.Models.Tokenization.Bpe;

namespace LowRank.Models.Tokenization.Loading;

/// <summary>Reads the <c>model</c> section of a tokenizer.json straight into the tables of a BPE model.</summary>
internal ref struct BpeModelReader
{
    /// <summary>Larger ids would make tables of gigabytes.</summary>
    public const int LargestId = 1 << 26;

    private readonly string _source;
    private readonly int _length;
    private TokenTable? _tokens;
    private MergeTable? _merges;
    private byte[] _buffer = new byte[1024];
    private int _near;
    private string? _type;
    private BpeOptions _options = new();

    private BpeModelReader(string source, int length) => (_source, _length) = (source, length);

    /// <summary>Reads the object that the reader stands at, and leaves the reader at its end.</summary>
    /// <param name="reader">The reader.</param>
    /// <param name="length">Number of bytes of the file, from which the size of the tables is guessed.</param>
    /// <param name="source">The file, for errors.</param>
    public static BpeModel Read(ref Utf8JsonReader reader, int length, string source) => new BpeModelReader(source, length).ReadModel(ref reader);

    private BpeModel ReadModel(ref Utf8JsonReader reader)
    {
        Utf8JsonReader mergesAt = default;
        var early = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            if (key == "vocab" && reader.TokenType == JsonTokenType.StartObject)
            {
                ReadVocabulary(ref reader);
            }
            else if (key == "merges" && reader.TokenType == JsonTokenType.StartArray)
            {
                if (_tokens is not null) ReadMerges(ref reader);
                else
                {
                    // Merges name tokens: without a vocabulary yet, come back to them.
                    mergesAt = reader;
                    early = true;
                    reader.Skip();
                }
            }
            else ReadOption(key, ref reader);
        }
        if (_type is not (null or "BPE")) throw new UnsupportedTokenizerFeatureException($"model {_type}", _source);
        if (_tokens is null) throw new TokenizerFormatException($"{_source}: model.vocab has to be an object of tokens and ids.");
        if (early) ReadMerges(ref mergesAt);
        if (_merges is null) throw new TokenizerFormatException($"{_source}: model.merges has to be a list of pairs.");
        return new BpeModel(_tokens, _merges, _options, _source);
    }

    private void ReadOption(string key, ref Utf8JsonReader reader)
    {
        switch (key)
        {
            case "type":
                _type = reader.TokenType == JsonTokenType.String ? reader.GetString() : throw Wrong(key, "a string");
                if (_type != "BPE") throw new UnsupportedTokenizerFeatureException($"model {_type}", _source);
                break;
            case "unk_token": _options = _options with { UnknownToken = Text(key, ref reader) }; break;
            case "continuing_subword_prefix": _options = _options with { ContinuingSubwordPrefix = Text(key, ref reader) ?? "" }; break;
            case "end_of_word_suffix": _options = _options with { EndOfWordSuffix = Text(key, ref reader) ?? "" }; break;
            case "fuse_unk": _options = _options with { FuseUnknown = Flag(key, ref reader) }; break;
            case "byte_fallback": _options = _options with { ByteFallback = Flag(key, ref reader) }; break;
            case "ignore_merges": _options = _options with { IgnoreMerges = Flag(key, ref reader) }; break;
            case "dropout":
                if (reader.TokenType != JsonTokenType.Null && !(reader.TokenType == JsonTokenType.Number && reader.GetDouble() == 0))
                    throw new UnsupportedTokenizerFeatureException("model.dropout", _source);
                break;
            default: reader.Skip(); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // runs once, for long: no time to be tiered up
    private void ReadVocabulary(ref Utf8JsonReader reader)
    {
        _tokens = new TokenTable(_length / 40, _length / 6);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var token = Bytes(ref reader, 0);
            reader.Read();
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out var id) || id is < 0 or > LargestId)
                throw Wrong($"vocab[\"{System.Text.Encoding.UTF8.GetString(_buffer, 0, token)}\"]", "a token id");
            _tokens.Add(_buffer.AsSpan(0, token), id);
        }
        _tokens.Freeze();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ReadMerges(ref Utf8JsonReader reader)
    {
        _merges = new MergeTable(Math.Min(_length / 24, _tokens!.Count * 5 / 2));
        var prefix = System.Text.Encoding.UTF8.GetBytes(_options.ContinuingSubwordPrefix);
        var rank = 0;
        for (; reader.Read() && reader.TokenType != JsonTokenType.EndArray;)
        {
            int left, whole;
            if (reader.TokenType == JsonTokenType.String)
            {
                whole = Bytes(ref reader, 0);
                if (_buffer.AsSpan(0, whole).StartsWith("#version"u8)) continue;
                left = _buffer.AsSpan(0, whole).IndexOf((byte)' ');
                if (left < 0 || _buffer.AsSpan((left + 1)..whole).Contains((byte)' ')) throw Wrong($"merges[{rank}]", "two tokens with a space between");
                _buffer.AsSpan((left + 1)..whole).CopyTo(_buffer.AsSpan(left));
                whole--;
            }
            else if (reader.TokenType == JsonTokenType.StartArray)
            {
                left = Part(ref reader, 0, rank);
                whole = Part(ref reader, left, rank);
                if (!reader.Read() || reader.TokenType != JsonTokenType.EndArray) throw Wrong($"merges[{rank}]", "a pair of tokens");
            }
            else
            {
                throw Wrong($"merges[{rank}]", "a pair of tokens");
            }
            AddMerge(left, whole, prefix, rank++);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Part(ref Utf8JsonReader reader, int at, int rank) =>
        reader.Read() && reader.TokenType == JsonTokenType.String ? Bytes(ref reader, at) : throw Wrong($"merges[{rank}]", "a pair of tokens");

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddMerge(int left, int whole, byte[] prefix, int rank)
    {
        var leftId = Known(_buffer.AsSpan(0, left), rank);
        var rightId = Known(_buffer.AsSpan(left..whole), rank);
        if (prefix.Length > 0)
        {
            // The right part loses the prefix that marks it as a continuation.
            if (whole - left < prefix.Length) throw Wrong($"merges[{rank}]", "a pair whose second token has the continuing_subword_prefix");
            _buffer.AsSpan((left + prefix.Length)..whole).CopyTo(_buffer.AsSpan(left));
            whole -= prefix.Length;
        }
        var merged = _tokens!.FindNear(_buffer.AsSpan(0, whole), ref _near);
        _merges!.Add(leftId, rightId, rank, merged >= 0 ? merged : throw Unknown(_buffer.AsSpan(0, whole), rank));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly int Known(ReadOnlySpan<byte> token, int rank)
    {
        var id = _tokens!.Find(token);
        return id >= 0 ? id : throw Unknown(token, rank);
    }

    private readonly TokenizerFormatException Unknown(ReadOnlySpan<byte> token, int rank) =>
        new($"{_source}: model.merges[{rank}] needs the token '{System.Text.Encoding.UTF8.GetString(token)}', which is not in the vocabulary.");

    /// <summary>Copies the string or key that the reader stands at to the buffer from <paramref name="at"/>, and returns the end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Bytes(ref Utf8JsonReader reader, int at)
    {
        if (_buffer.Length < at + reader.ValueSpan.Length) Array.Resize(ref _buffer, (at + reader.ValueSpan.Length) * 2);
        if (reader.ValueIsEscaped) return at + reader.CopyString(_buffer.AsSpan(at));
        reader.ValueSpan.CopyTo(_buffer.AsSpan(at));
        return at + reader.ValueSpan.Length;
    }

    private readonly string? Text(string key, ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.Null => null,
        JsonTokenType.String => reader.GetString(),
        _ => throw Wrong(key, "a string or null"),
    };

    private readonly bool Flag(string key, ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.Null or JsonTokenType.False => false,
        JsonTokenType.True => true,
        _ => throw Wrong(key, "true or false"),
    };

    private readonly TokenizerFormatException Wrong(string key, string expected) => new($"{_source}: model.{key} has to be {expected}.");
}
