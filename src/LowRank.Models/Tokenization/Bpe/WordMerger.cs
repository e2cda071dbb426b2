namespace LowRank.Models.Tokenization.Bpe;

/// <summary>
/// Merges the symbols of one word: always the pair of lowest rank, the leftmost among equals, until none merges. Short words scan
/// an array for the minimum; long ones (a document without pre-tokenizer is one word) use a heap over a linked list.
/// One instance serves one encode call at a time.
/// </summary>
internal sealed class WordMerger
{
    /// <summary>Up to this many symbols the scan, quadratic but without any bookkeeping, is faster.</summary>
    private const int ScanLimit = 40;

    private int[] _ids = new int[64];
    private int[] _lengths = new int[64];
    private int[] _ranks = new int[64];
    private int[] _merged = new int[64];
    private int[] _next = [];
    private int[] _previous = [];
    private ulong[] _heap = [];
    private int _heapCount;

    /// <summary>Number of symbols.</summary>
    public int Count { get; private set; }

    /// <summary>The ids of the symbols.</summary>
    public ReadOnlySpan<int> Ids => _ids.AsSpan(0, Count);

    /// <summary>The length in bytes of each symbol's text.</summary>
    public ReadOnlySpan<int> Lengths => _lengths.AsSpan(0, Count);

    /// <summary>Starts a new word.</summary>
    public void Clear() => Count = 0;

    /// <summary>Appends a symbol.</summary>
    public void Add(int id, int length)
    {
        if (Count == _ids.Length)
        {
            Array.Resize(ref _ids, Count * 2);
            Array.Resize(ref _lengths, Count * 2);
        }
        _ids[Count] = id;
        _lengths[Count++] = length;
    }

    /// <summary>Merges until no adjacent pair is in <paramref name="merges"/>.</summary>
    public void Merge(MergeTable merges)
    {
        if (Count < 2) return;
        if (_ranks.Length < _ids.Length)
        {
            _ranks = new int[_ids.Length];
            _merged = new int[_ids.Length];
        }
        for (var i = 0; i + 1 < Count; i++) _ranks[i] = merges.Rank(_ids[i], _ids[i + 1], out _merged[i]);
        if (Count <= ScanLimit) MergeByScan(merges);
        else MergeByHeap(merges);
    }

    private void MergeByScan(MergeTable merges)
    {
        var count = Count;
        while (count > 1)
        {
            var best = 0;
            for (var i = 1; i < count - 1; i++)
                if (_ranks[i] < _ranks[best])
                    best = i;
            if (_ranks[best] == MergeTable.None) break;
            _ids[best] = _merged[best];
            _lengths[best] += _lengths[best + 1];
            count--;
            for (var i = best + 1; i < count; i++)
            {
                _ids[i] = _ids[i + 1];
                _lengths[i] = _lengths[i + 1];
                _ranks[i] = _ranks[i + 1];
                _merged[i] = _merged[i + 1];
            }
            if (best > 0) _ranks[best - 1] = merges.Rank(_ids[best - 1], _ids[best], out _merged[best - 1]);
            if (best < count - 1) _ranks[best] = merges.Rank(_ids[best], _ids[best + 1], out _merged[best]);
        }
        Count = count;
    }

    private void MergeByHeap(MergeTable merges)
    {
        var count = Count;
        if (_next.Length < count)
        {
            _next = new int[_ids.Length];
            _previous = new int[_ids.Length];
        }
        _heapCount = 0;
        for (var i = 0; i < count; i++)
        {
            _next[i] = i + 1;
            _previous[i] = i - 1;
            if (i + 1 < count && _ranks[i] != MergeTable.None) Push(_ranks[i], i);
        }
        _ranks[count - 1] = MergeTable.None;
        while (_heapCount > 0)
        {
            var top = Pop();
            var at = (int)(uint)top;
            // An entry is stale when its pair has merged meanwhile: a rank belongs to one pair only.
            if (_lengths[at] < 0 || _ranks[at] != (int)(top >> 32)) continue;
            var right = _next[at];
            _ids[at] = _merged[at];
            _lengths[at] += _lengths[right];
            _lengths[right] = -1;
            var after = _next[at] = _next[right];
            if (after < count) _previous[after] = at;
            Update(merges, _previous[at], at, count);
            Update(merges, at, after, count);
        }
        var kept = 0;
        for (var i = 0; i < count; i = _next[i])
        {
            _ids[kept] = _ids[i];
            _lengths[kept++] = _lengths[i];
        }
        Count = kept;
    }

    private void Update(MergeTable merges, int left, int right, int count)
    {
        if (left < 0) return;
        var rank = _ranks[left] = right < count ? merges.Rank(_ids[left], _ids[right], out _merged[left]) : MergeTable.None;
        if (rank != MergeTable.None) Push(rank, left);
    }

    private void Push(int rank, int position)
    {
        if (_heapCount == _heap.Length) Array.Resize(ref _heap, Math.Max(256, _heapCount * 2));
        var value = (ulong)(uint)rank << 32 | (uint)position;
        var at = _heapCount++;
        for (int parent; at > 0 && _heap[parent = at - 1 >> 1] > value; at = parent) _heap[at] = _heap[parent];
        _heap[at] = value;
    }

    private ulong Pop()
    {
        var top = _heap[0];
        var last = _heap[--_heapCount];
        var at = 0;
        while (true)
        {
            var child = 2 * at + 1;
            if (child >= _heapCount) break;
            if (child + 1 < _heapCount && _heap[child + 1] < _heap[child]) child++;
            if (_heap[child] >= last) break;
            _heap[at] = _heap[child];
            at = child;
        }
        _heap[at] = last;
        return top;
    }
}
