using LowRank.Models.Templates.Jinja.Python;

namespace LowRank.Models.Templates.Jinja.Values;

/// <summary>
/// A Python <c>dict</c>: keeps insertion order and compares keys as Python does (<c>1</c>, <c>1.0</c> and <c>True</c> are one key).
/// A message has a handful of keys, so a search from the front beats hashing; larger dictionaries get a hash index.
/// </summary>
internal sealed class PyDict(int capacity = 4)
{
    private const int LinearLimit = 8;
    private object?[] _keys = capacity == 0 ? [] : new object?[capacity];
    private object?[] _values = capacity == 0 ? [] : new object?[capacity];
    private Dictionary<object, int>? _index;

    public int Count { get; private set; }

    public object? KeyAt(int i) => _keys[i];

    public object? ValueAt(int i) => _values[i];

    public bool TryGet(string key, out object? value)
    {
        var at = Find(key);
        value = at < 0 ? null : _values[at];
        return at >= 0;
    }

    /// <exception cref="ChatTemplateException">TypeError: the key is a list or another value without a hash.</exception>
    public bool TryGet(object? key, out object? value)
    {
        var at = Texts.TryGet(key, out var text) ? Find(text) : Find(key);
        value = at < 0 ? null : _values[at];
        return at >= 0;
    }

    public bool Contains(object? key) => TryGet(key, out _);

    public void Set(object? key, object? value)
    {
        // A key's origin is of no use, and plain strings compare faster.
        if (Texts.TryGet(key, out var text)) key = text;
        var at = text is not null ? Find(text) : Find(key);
        if (at >= 0) { _values[at] = value; return; }
        if (Count == _keys.Length)
        {
            Array.Resize(ref _keys, Math.Max(4, Count * 2));
            Array.Resize(ref _values, _keys.Length);
        }
        _keys[Count] = key;
        _values[Count++] = value;
        if (_index is not null) _index[key ?? Hashing.None] = Count - 1;
        else if (Count > LinearLimit)
        {
            _index = new Dictionary<object, int>(Count * 2, Hashing.Comparer);
            for (var i = 0; i < Count; i++) _index[_keys[i] ?? Hashing.None] = i;
        }
    }

    public PyDict Copy()
    {
        var copy = new PyDict(Count);
        for (var i = 0; i < Count; i++) copy.Set(_keys[i], _values[i]);
        return copy;
    }

    private int Find(string key)
    {
        if (_index is not null) return _index.TryGetValue(key, out var at) ? at : -1;
        for (var i = 0; i < Count; i++)
            if (_keys[i] is string k && k == key) return i;
        return -1;
    }

    private int Find(object? key)
    {
        Hashing.Require(key);
        if (_index is not null) return _index.TryGetValue(key ?? Hashing.None, out var at) ? at : -1;
        for (var i = 0; i < Count; i++)
            if (Comparison.AreEqual(_keys[i], key)) return i;
        return -1;
    }
}
