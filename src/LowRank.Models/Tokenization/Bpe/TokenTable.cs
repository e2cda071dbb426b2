using System.Runtime.CompilerServices;
using System.Text;

namespace LowRank.Models.Tokenization.Bpe;

/// <summary>
/// The vocabulary of a model: UTF-8 token bytes to ids and back. Open addressing over one byte arena, because loading inserts
/// 150,000 tokens and looks up half a million merge parts, which a dictionary of strings makes several times slower.
/// </summary>
internal sealed class TokenTable
{
    private byte[] _arena;
    private int _arenaLength;
    private (int Offset, int Length, int Id, uint Hash)[] _entries;
    private int[] _slots;
    private int[] _entryOfId = [];
    private List<(int Id, int Entry)>? _earlier;

    public TokenTable(int expectedTokens, int expectedBytes)
    {
        _arena = GC.AllocateUninitializedArray<byte>(Math.Max(expectedBytes, 64));
        _entries = GC.AllocateUninitializedArray<(int, int, int, uint)>(Math.Max(expectedTokens, 16));
        _slots = GC.AllocateUninitializedArray<int>(SlotCount(_entries.Length));
        _slots.AsSpan().Fill(-1);
    }

    /// <summary>Number of distinct tokens.</summary>
    public int Count { get; private set; }

    /// <summary>One more than the largest id; 0 when empty.</summary>
    public int IdLimit { get; private set; }

    /// <summary>Adds a token; a token that is there already gets the new id, as the last of two equal JSON keys wins.</summary>
    /// <param name="token">Its UTF-8 text.</param>
    /// <param name="id">Its id.</param>
    /// <param name="keepEarlierId">Whether the id that such a token had before still leads to its text.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // loading runs once: no time to be tiered up
    public void Add(ReadOnlySpan<byte> token, int id, bool keepEarlierId = false)
    {
        var hash = ByteHash.Of(token);
        var slot = Slot(token, hash);
        if (_slots[slot] >= 0)
        {
            if (keepEarlierId) (_earlier ??= []).Add((_entries[_slots[slot]].Id, _slots[slot]));
            _entries[_slots[slot]].Id = id;
        }
        else
        {
            if (Count == _entries.Length) slot = Grow(token, hash);
            if (_arena.Length - _arenaLength < token.Length) Array.Resize(ref _arena, Math.Max(_arena.Length * 2, _arenaLength + token.Length));
            token.CopyTo(_arena.AsSpan(_arenaLength));
            _entries[Count] = (_arenaLength, token.Length, id, hash);
            _arenaLength += token.Length;
            _slots[slot] = Count++;
        }
        IdLimit = Math.Max(IdLimit, id + 1);
    }

    /// <summary>Builds the way back from ids; call once after the last <see cref="Add"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Freeze()
    {
        _entryOfId = new int[IdLimit];
        _entryOfId.AsSpan().Fill(-1);
        foreach (var (id, entry) in _earlier ?? []) _entryOfId[id] = entry;
        for (var i = 0; i < Count; i++) _entryOfId[_entries[i].Id] = i;
    }

    /// <summary>The id of a token, or -1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int Find(ReadOnlySpan<byte> token)
    {
        var entry = _slots[Slot(token, ByteHash.Of(token))];
        return entry < 0 ? -1 : _entries[entry].Id;
    }

    /// <summary>
    /// The id of a token, or -1, looking first where the last such call found one and right behind it: merges come in the order in
    /// which they made the vocabulary, so this spares most of the look-ups that miss the processor's cache.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int FindNear(ReadOnlySpan<byte> token, ref int near)
    {
        for (var i = near; i < Math.Min(near + 2, Count); i++)
        {
            ref readonly var e = ref _entries[i];
            if (e.Length != token.Length || !token.SequenceEqual(_arena.AsSpan(e.Offset, e.Length))) continue;
            near = i;
            return e.Id;
        }
        var entry = _slots[Slot(token, ByteHash.Of(token))];
        if (entry < 0) return -1;
        near = entry;
        return _entries[entry].Id;
    }

    /// <summary>The id of a token, or -1.</summary>
    public int Find(string token) => Find(Encoding.UTF8.GetBytes(token));

    /// <summary>The UTF-8 bytes of the token with this id.</summary>
    public bool TryGetBytes(int id, out ReadOnlySpan<byte> bytes)
    {
        if ((uint)id >= (uint)_entryOfId.Length || _entryOfId[id] < 0)
        {
            bytes = default;
            return false;
        }
        ref readonly var e = ref _entries[_entryOfId[id]];
        bytes = _arena.AsSpan(e.Offset, e.Length);
        return true;
    }

    private static int SlotCount(int entries) => (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)entries * 2);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Slot(ReadOnlySpan<byte> token, uint hash)
    {
        var mask = _slots.Length - 1;
        for (var slot = (int)hash & mask; ; slot = (slot + 1) & mask)
        {
            var index = _slots[slot];
            if (index < 0) return slot;
            ref readonly var e = ref _entries[index];
            if (e.Hash == hash && e.Length == token.Length && token.SequenceEqual(_arena.AsSpan(e.Offset, e.Length))) return slot;
        }
    }

    private int Grow(ReadOnlySpan<byte> token, uint hash)
    {
        Array.Resize(ref _entries, _entries.Length * 2);
        _slots = GC.AllocateUninitializedArray<int>(SlotCount(_entries.Length));
        _slots.AsSpan().Fill(-1);
        var mask = _slots.Length - 1;
        for (var i = 0; i < Count; i++)
        {
            var slot = (int)_entries[i].Hash & mask;
            while (_slots[slot] >= 0) slot = (slot + 1) & mask;
            _slots[slot] = i;
        }
        return Slot(token, hash);
    }
}
