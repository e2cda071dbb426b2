namespace LowRank.Models.Tokenization.Text;

/// <summary>From byte places of a UTF-8 text to code points.</summary>
internal sealed class CodePointIndex
{
    private int[] _index = [];
    private byte[] _continuation = [];
    private int _length;

    /// <summary>Reads a text.</summary>
    public void Reset(ReadOnlySpan<byte> text)
    {
        _length = text.Length;
        if (_index.Length <= _length)
        {
            _index = new int[_length + 1024];
            _continuation = new byte[_length + 1024];
        }
        var count = -1;
        for (var i = 0; i < text.Length; i++)
        {
            var inside = (text[i] & 0xC0) == 0x80;
            if (!inside) count++;
            _index[i] = count;
            _continuation[i] = inside ? (byte)1 : (byte)0;
        }
        _index[_length] = count + 1;
        _continuation[_length] = 0;
    }

    /// <summary>The index of the code point that byte <paramref name="at"/> belongs to; at the end, their number.</summary>
    public int IndexOf(int at) => _index[Math.Min(at, _length)];

    /// <summary>The bytes [Start, End) of the code point around <paramref name="at"/>.</summary>
    public (int Start, int End) CodePointAround(int at)
    {
        var start = at;
        while (_continuation[start] != 0) start--;
        var end = at + 1;
        while (_continuation[end] != 0) end++;
        return (start, end);
    }
}
