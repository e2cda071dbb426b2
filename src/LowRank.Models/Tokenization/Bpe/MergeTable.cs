using System.Numerics;
using System.Runtime.CompilerServices;

namespace LowRank.Models.Tokenization.Bpe;

/// <summary>Pairs of adjacent tokens that merge: (left, right) to rank and merged id. One 16-byte entry, so a look-up touches one cache line.</summary>
internal sealed class MergeTable
{
    /// <summary>The rank of a pair that does not merge; larger than every rank.</summary>
    public const int None = int.MaxValue;

    private const ulong Empty = ulong.MaxValue;
    private Entry[] _entries;
    private int _shift;

    public MergeTable(int expected)
    {
        var size = BitOperations.RoundUpToPowerOf2((uint)Math.Max(expected, 8) * 3 / 2);
        _entries = NewEntries((int)size, out _shift);
    }

    /// <summary>Number of distinct pairs.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a pair; a pair that is there already takes the later rank, as in the reference's map.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Add(int left, int right, int rank, int merged)
    {
        if (Count >= _entries.Length / 4 * 3) Grow();
        var key = Key(left, right);
        ref var entry = ref Place(_entries, _shift, key);
        if (entry.Pair == Empty) Count++;
        entry = new Entry { Pair = key, Rank = rank, Merged = merged };
    }

    /// <summary>The rank of a pair, or <see cref="None"/>; the lower merges first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Rank(int left, int right, out int merged)
    {
        ref var entry = ref Place(_entries, _shift, Key(left, right));
        merged = entry.Merged;
        return entry.Pair == Empty ? None : entry.Rank;
    }

    /// <summary>Calls <paramref name="visit"/> with (left, right, merged) for each pair, in no order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void ForEach(Action<int, int, int> visit)
    {
        foreach (var e in _entries)
            if (e.Pair != Empty)
                visit((int)(e.Pair >> 32), (int)(uint)e.Pair, e.Merged);
    }

    private static ulong Key(int left, int right) => (ulong)(uint)left << 32 | (uint)right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ref Entry Place(Entry[] entries, int shift, ulong key)
    {
        var mask = entries.Length - 1;
        var slot = (int)(key * 0x9E3779B97F4A7C15 >> shift) & mask;
        while (true)
        {
            ref var entry = ref entries[slot];
            if (entry.Pair == key || entry.Pair == Empty) return ref entry;
            slot = (slot + 1) & mask;
        }
    }

    private static Entry[] NewEntries(int size, out int shift)
    {
        var entries = GC.AllocateUninitializedArray<Entry>(size);
        entries.AsSpan().Fill(new Entry { Pair = Empty });
        shift = 64 - BitOperations.Log2((uint)size);
        return entries;
    }

    private void Grow()
    {
        var larger = NewEntries(_entries.Length * 2, out var shift);
        foreach (var e in _entries)
            if (e.Pair != Empty)
                Place(larger, shift, e.Pair) = e;
        (_entries, _shift) = (larger, shift);
    }

    private struct Entry
    {
        public ulong Pair;
        public int Rank;
        public int Merged;
    }
}
