namespace LowRank.Models.Tokenization.Bpe;

/// <summary>Collects tokens: ids, and where wanted the places in the working text that they come from.</summary>
internal sealed class TokenSink
{
    private int[] _ids = new int[256];
    private int[] _starts = new int[256];
    private int[] _ends = new int[256];
    private bool _places;

    /// <summary>Number of tokens.</summary>
    public int Count { get; private set; }

    /// <summary>The ids.</summary>
    public ReadOnlySpan<int> Ids => _ids.AsSpan(0, Count);

    /// <summary>Start of token <paramref name="index"/> in bytes of the working text.</summary>
    public int Start(int index) => _starts[index];

    /// <summary>End of token <paramref name="index"/> in bytes of the working text.</summary>
    public int End(int index) => _ends[index];

    /// <summary>Empties the sink.</summary>
    public void Reset(bool places) => (Count, _places) = (0, places);

    /// <summary>Appends one token.</summary>
    public void Add(int id, int start, int end)
    {
        Reserve(1);
        _ids[Count] = id;
        if (_places) (_starts[Count], _ends[Count]) = (start, end);
        Count++;
    }

    /// <summary>Appends the tokens of a word that begins at <paramref name="start"/>.</summary>
    public void Add(ReadOnlySpan<int> ids, ReadOnlySpan<int> lengths, int start)
    {
        Reserve(ids.Length);
        ids.CopyTo(_ids.AsSpan(Count));
        if (_places)
            for (var i = 0; i < ids.Length; i++)
            {
                _starts[Count + i] = start;
                _ends[Count + i] = start += lengths[i];
            }
        Count += ids.Length;
    }

    private void Reserve(int more)
    {
        if (Count + more <= _ids.Length) return;
        var size = Math.Max(_ids.Length * 2, Count + more);
        Array.Resize(ref _ids, size);
        Array.Resize(ref _starts, size);
        Array.Resize(ref _ends, size);
    }
}
