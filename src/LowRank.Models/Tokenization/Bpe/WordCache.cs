namespace LowRank.Models.Tokenization.Bpe;

/// <summary>
/// Remembers what words were merged to. It belongs to the scratch of one encode call at a time, so it needs no locks; when full it
/// is emptied, which keeps its memory bounded (about 4 MB) and its answers are those of the merges either way.
/// </summary>
internal sealed class WordCache
{
    /// <summary>Longer words are merged each time: they seldom return.</summary>
    public const int LongestWord = 128;

    private const int MaxEntries = 32768, MaxKeyBytes = 1 << 19, MaxValues = 1 << 19;
    private readonly Entry[] _slots = new Entry[MaxEntries * 2];
    private readonly byte[] _keys = new byte[MaxKeyBytes];
    private readonly int[] _values = new int[MaxValues];
    private int _count, _keyBytes, _valueCount;
    private uint _generation = 1;

    /// <summary>The tokens of a word that is known: ids, then as many lengths in bytes.</summary>
    public bool TryGet(ReadOnlySpan<byte> word, uint hash, out ReadOnlySpan<int> idsAndLengths)
    {
        ref var entry = ref Find(word, hash);
        var found = entry.Generation == _generation;
        idsAndLengths = found ? _values.AsSpan(entry.ValueOffset, entry.Tokens * 2) : default;
        return found;
    }

    /// <summary>Remembers a word that <see cref="TryGet"/> did not know.</summary>
    public void Add(ReadOnlySpan<byte> word, uint hash, ReadOnlySpan<int> ids, ReadOnlySpan<int> lengths)
    {
        if (word.Length > LongestWord) return;
        if (_count == MaxEntries || _keyBytes + word.Length > MaxKeyBytes || _valueCount + 2 * ids.Length > MaxValues)
        {
            _count = _keyBytes = _valueCount = 0;
            if (++_generation == 0)
            {
                Array.Clear(_slots);
                _generation = 1;
            }
        }
        Find(word, hash) = new Entry
        {
            Hash = hash,
            Generation = _generation,
            KeyOffset = _keyBytes,
            KeyLength = word.Length,
            ValueOffset = _valueCount,
            Tokens = ids.Length,
        };
        word.CopyTo(_keys.AsSpan(_keyBytes));
        ids.CopyTo(_values.AsSpan(_valueCount));
        lengths.CopyTo(_values.AsSpan(_valueCount + ids.Length));
        _count++;
        _keyBytes += word.Length;
        _valueCount += 2 * ids.Length;
    }

    private ref Entry Find(ReadOnlySpan<byte> word, uint hash)
    {
        const int mask = MaxEntries * 2 - 1;
        for (var slot = (int)hash & mask; ; slot = (slot + 1) & mask)
        {
            ref var entry = ref _slots[slot];
            if (entry.Generation != _generation) return ref entry;
            if (entry.Hash == hash && entry.KeyLength == word.Length && word.SequenceEqual(_keys.AsSpan(entry.KeyOffset, entry.KeyLength)))
                return ref entry;
        }
    }

    private struct Entry
    {
        public uint Hash, Generation;
        public int KeyOffset, KeyLength, ValueOffset, Tokens;
    }
}
