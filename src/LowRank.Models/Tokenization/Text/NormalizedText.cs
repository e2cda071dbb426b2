using System.Text;

namespace LowRank.Models.Tokenization.Text;

/// <summary>
/// One piece while it is rewritten: bytes, and for each the range of original bytes it stands for. The operations are those of
/// NormalizedString in Hugging Face tokenizers, with their alignments, odd ones included.
/// </summary>
internal sealed class NormalizedText
{
    private byte[] _bytes = new byte[1024], _otherBytes = new byte[1024];
    private int[] _starts = new int[1024], _ends = new int[1024], _otherStarts = new int[1024], _otherEnds = new int[1024];
    private int _origin;
    private bool _aligned;
    private int _written;
    private long _most = long.MaxValue;

    /// <summary>Number of bytes.</summary>
    public int Length { get; private set; }

    /// <summary>The text.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Length);

    /// <summary>First original byte of each byte.</summary>
    public ReadOnlySpan<int> Starts => _starts.AsSpan(0, Length);

    /// <summary>End of the original bytes of each byte.</summary>
    public ReadOnlySpan<int> Ends => _ends.AsSpan(0, Length);

    /// <summary>Where the piece began in the original; -1 when that is not kept.</summary>
    public int OriginalStart { get; private set; }

    /// <summary>The code points, in a new array.</summary>
    public int[] CodePoints()
    {
        var list = new List<int>(Length);
        for (int i = 0, length; i < Length; i += length) list.Add(Utf8.At(Bytes, i, out length));
        return [.. list];
    }

    /// <summary>Takes over a piece of <paramref name="text"/>.</summary>
    public void Load(WorkingText text, Piece piece)
    {
        Length = 0;
        _most = text.MostLength;
        Reserve(piece.End - piece.Start);
        Length = piece.End - piece.Start;
        (_aligned, OriginalStart, _origin) = (text.KeepsAlignment, piece.OriginalStart, Math.Max(piece.OriginalStart, 0));
        text.Bytes[piece.Start..piece.End].CopyTo(_bytes);
        if (!_aligned) return;
        for (var i = 0; i < Length; i++) (_starts[i], _ends[i]) = text.Alignment(piece.Start + i);
    }

    /// <summary>
    /// Replaces the code points. <c>Change</c> is 0 for one that stands for the next old one, 1 for one that is new, and -n for one
    /// that stands for the next old one and for the n after it, which go away. <paramref name="dropped"/> old ones go away at the beginning.
    /// </summary>
    public void Transform(IEnumerable<(int CodePoint, int Change)> replacement, int dropped = 0)
    {
        var old = 0;
        for (var i = 0; i < dropped; i++) old += Utf8.LengthAt(_bytes, old);
        _written = 0;
        foreach (var (codePoint, change) in replacement)
        {
            // A new one shares the place of what went before; at the very beginning nothing did.
            var place = change > 0 ? old - 1 : old;
            Write(codePoint, place);
            for (var i = change > 0 ? 0 : 1 - change; i > 0 && old < Length; i--) old += Utf8.LengthAt(_bytes, old);
        }
        Swap();
    }

    /// <summary>Puts <paramref name="prefix"/> before the text, at the place of its first character; nothing before an empty text.</summary>
    public void Prepend(ReadOnlySpan<byte> prefix)
    {
        if (Length == 0) return;
        Reserve(Length + prefix.Length);
        _bytes.AsSpan(0, Length).CopyTo(_bytes.AsSpan(prefix.Length));
        prefix.CopyTo(_bytes);
        if (_aligned)
        {
            var (start, end) = (_starts[0], _ends[0]);
            _starts.AsSpan(0, Length).CopyTo(_starts.AsSpan(prefix.Length));
            _ends.AsSpan(0, Length).CopyTo(_ends.AsSpan(prefix.Length));
            _starts.AsSpan(0, prefix.Length).Fill(start);
            _ends.AsSpan(0, prefix.Length).Fill(end);
        }
        Length += prefix.Length;
    }

    /// <summary>Replaces each match of <paramref name="pattern"/>; what is put in stands for the last byte that went away.</summary>
    public void Replace(Patterns.TextPattern pattern, ReadOnlySpan<byte> content)
    {
        _written = 0;
        var copied = 0;
        var cursor = default(Patterns.MatchCursor);
        while (cursor.Next(pattern, Bytes, out var start, out var end))
        {
            Copy(copied, start);
            for (int i = 0, length; i < content.Length; i += length) Write(Utf8.At(content, i, out length), end - 1);
            copied = end;
        }
        if (copied == 0 && _written == 0) return;
        Copy(copied, Length);
        Swap();
    }

    private void Copy(int from, int to)
    {
        ReserveOther(_written + to - from);
        _bytes.AsSpan(from, to - from).CopyTo(_otherBytes.AsSpan(_written));
        if (_aligned)
        {
            _starts.AsSpan(from, to - from).CopyTo(_otherStarts.AsSpan(_written));
            _ends.AsSpan(from, to - from).CopyTo(_otherEnds.AsSpan(_written));
        }
        _written += to - from;
    }

    private void Write(int codePoint, int place)
    {
        ReserveOther(_written + 4);
        var length = Utf8.Write(codePoint, _otherBytes.AsSpan(_written, 4));
        if (_aligned)
        {
            var (start, end) = place < 0 ? (_origin, _origin) : (_starts[place], _ends[place]);
            _otherStarts.AsSpan(_written, length).Fill(start);
            _otherEnds.AsSpan(_written, length).Fill(end);
        }
        _written += length;
    }

    private void Swap()
    {
        (_bytes, _otherBytes) = (_otherBytes, _bytes);
        (_starts, _otherStarts) = (_otherStarts, _starts);
        (_ends, _otherEnds) = (_otherEnds, _ends);
        Length = _written;
    }

    private void Reserve(int length)
    {
        if (_bytes.Length >= length) return;
        if (length > _most) throw WorkingText.GrowsTooLong(_most);
        Array.Resize(ref _bytes, Math.Max(length, _bytes.Length * 2));
        Array.Resize(ref _starts, _bytes.Length);
        Array.Resize(ref _ends, _bytes.Length);
    }

    private void ReserveOther(int length)
    {
        if (_otherBytes.Length >= length) return;
        if (length > _most) throw WorkingText.GrowsTooLong(_most);
        Array.Resize(ref _otherBytes, Math.Max(length, _otherBytes.Length * 2));
        Array.Resize(ref _otherStarts, _otherBytes.Length);
        Array.Resize(ref _otherEnds, _otherBytes.Length);
    }
}
