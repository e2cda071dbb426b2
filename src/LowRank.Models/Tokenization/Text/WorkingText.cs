using System.Text;

namespace LowRank.Models.Tokenization.Text;

/// <summary>A part of the working text: bytes [Start, End), where it began in the original, and its token if it is an added token.</summary>
internal readonly record struct Piece(int Start, int End, int OriginalStart, int TokenId = Piece.NoToken)
{
    /// <summary>The value of <see cref="TokenId"/> for text that the model has to encode.</summary>
    public const int NoToken = -1;
}

/// <summary>
/// The text while it is encoded: UTF-8 bytes cut into pieces, and for each byte the range of original bytes it stands for. That
/// alignment is not stored until something rewrites the text, and never when no one will ask for it. It does what
/// PreTokenizedString and NormalizedString do in Hugging Face tokenizers, whose offsets it reproduces.
/// </summary>
internal sealed class WorkingText
{
    // Stand-ins of bytes double a text, and no code point's canonical form has more than 18 of them: what goes beyond this was rewritten again and again.
    private const int MostGrowth = 64;
    private const int MostOfShort = 1 << 16;

    private byte[] _bytes = new byte[4096];
    private byte[] _otherBytes = [];
    private int[] _alignStart = [], _alignEnd = [], _otherStart = [], _otherEnd = [];
    private Piece[] _pieces = new Piece[64];
    private Piece[] _otherPieces = new Piece[64];
    private int _length;
    private int _emitted;

    /// <summary>The bytes as they are now.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    /// <summary>The pieces as they are now.</summary>
    public ReadOnlySpan<Piece> Pieces => _pieces.AsSpan(0, PieceCount);

    /// <summary>Number of pieces.</summary>
    public int PieceCount { get; private set; }

    /// <summary>Whether the alignment is kept when the text is rewritten.</summary>
    public bool KeepsAlignment { get; private set; }

    /// <summary>Whether the bytes are still the original ones.</summary>
    public bool IsOriginal { get; private set; }

    /// <summary>Maps places to code points of the original; only where the alignment is kept.</summary>
    public CodePointIndex Original { get; } = new();

    /// <summary>The most bytes that the text may grow to by rewriting.</summary>
    public long MostLength { get; private set; }

    /// <summary>Takes a new text as one piece. Unpaired surrogates become U+FFFD.</summary>
    public void Reset(ReadOnlySpan<char> text, bool keepAlignment)
    {
        var bound = Encoding.UTF8.GetMaxByteCount(text.Length);
        if (_bytes.Length < bound) _bytes = new byte[bound];
        _length = Encoding.UTF8.GetBytes(text, _bytes);
        MostLength = (long)MostGrowth * _length + MostOfShort;
        (KeepsAlignment, IsOriginal, PieceCount) = (keepAlignment, true, 0);
        if (_length > 0) _pieces[PieceCount++] = new Piece(0, _length, 0);
        if (keepAlignment) Original.Reset(Bytes);
    }

    /// <summary>Cuts the pieces that have no token; <paramref name="cut"/> calls <see cref="Emit(int, int)"/> for each part.</summary>
    public void Split<TState>(TState state, Action<WorkingText, Piece, TState> cut)
    {
        _emitted = 0;
        for (var i = 0; i < PieceCount; i++)
        {
            if (_pieces[i].TokenId == Piece.NoToken) cut(this, _pieces[i], state);
            else EmitPiece(_pieces[i]);
        }
        (_pieces, _otherPieces, PieceCount) = (_otherPieces, _pieces, _emitted);
    }

    /// <summary>Inside <see cref="Split{TState}"/>: the next part is [start, end); empty parts vanish.</summary>
    public void Emit(int start, int end) => Emit(start, end, Piece.NoToken);

    /// <summary>Inside <see cref="Split{TState}"/>: the next part, as the added token with this id.</summary>
    public void Emit(int start, int end, int tokenId)
    {
        if (end > start) EmitPiece(new Piece(start, end, IsOriginal ? start : KeepsAlignment ? _alignStart[start] : -1, tokenId));
    }

    /// <summary>A text that a tokenizer makes longer than it may.</summary>
    public static TokenizerFormatException GrowsTooLong(long most) =>
        new($"The tokenizer rewrites a text into more than {most} bytes, {MostGrowth} times its own: its tokenizer.json has normalizers or pre-tokenizers that make it longer again and again. Take the file that belongs to the model.");

    /// <summary>Rewrites the pieces that have no token: <paramref name="rewrite"/> changes the text it is given. Empty results stay as pieces.</summary>
    public void Rewrite<TState>(NormalizedText buffer, TState state, Action<NormalizedText, TState> rewrite)
    {
        var length = 0;
        for (var i = 0; i < PieceCount; i++)
        {
            var piece = _pieces[i];
            buffer.Load(this, piece);
            if (piece.TokenId == Piece.NoToken) rewrite(buffer, state);
            if (length + (long)buffer.Length > MostLength) throw GrowsTooLong(MostLength);
            if (_otherBytes.Length < length + buffer.Length) Array.Resize(ref _otherBytes, Math.Max(2 * _otherBytes.Length, length + buffer.Length));
            buffer.Bytes.CopyTo(_otherBytes.AsSpan(length));
            if (KeepsAlignment)
            {
                if (_otherStart.Length < _otherBytes.Length)
                {
                    Array.Resize(ref _otherStart, _otherBytes.Length);
                    Array.Resize(ref _otherEnd, _otherBytes.Length);
                }
                buffer.Starts.CopyTo(_otherStart.AsSpan(length));
                buffer.Ends.CopyTo(_otherEnd.AsSpan(length));
            }
            _pieces[i] = piece with { Start = length, End = length + buffer.Length };
            length += buffer.Length;
        }
        (_bytes, _otherBytes, _length, IsOriginal) = (_otherBytes, _bytes, length, false);
        if (!KeepsAlignment) return;
        (_alignStart, _otherStart) = (_otherStart, _alignStart);
        (_alignEnd, _otherEnd) = (_otherEnd, _alignEnd);
    }

    /// <summary>The original bytes that byte <paramref name="at"/> of the working text stands for; only where the alignment is kept.</summary>
    public (int Start, int End) Alignment(int at) => IsOriginal ? Original.CodePointAround(at) : (_alignStart[at], _alignEnd[at]);

    /// <summary>The code points of the original that [start, end) of the working text stands for.</summary>
    public (int Start, int End) OriginalCodePoints(int start, int end) =>
        end > start ? (Original.IndexOf(Alignment(start).Start), Original.IndexOf(Alignment(end - 1).End)) : (Original.IndexOf(start), Original.IndexOf(start));

    private void EmitPiece(Piece piece)
    {
        if (_emitted == _otherPieces.Length) Array.Resize(ref _otherPieces, _emitted * 2);
        _otherPieces[_emitted++] = piece;
    }
}
