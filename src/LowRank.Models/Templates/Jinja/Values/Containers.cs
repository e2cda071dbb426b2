namespace LowRank.Models.Templates.Jinja.Values;

// Python's immutable view of lists fits a template: the sandbox refuses append and its kin, so the arrays are never changed.

/// <summary>A <c>list</c> or a <c>tuple</c>.</summary>
internal abstract class PySequence(object?[] items)
{
    public object?[] Items { get; } = items;
    public int Count => Items.Length;
}

internal sealed class PyList(params object?[] items) : PySequence(items)
{
    public static PyList Of(List<object?> items) => new(items.ToArray());
}

internal sealed class PyTuple(params object?[] items) : PySequence(items)
{
    public static PyTuple Empty { get; } = new([]);

    /// <summary>The names of a named tuple's elements, as <c>groupby</c> gives them.</summary>
    public string[]? Names { get; init; }
}

internal sealed class PyRange(long start, long stop, long step)
{
    public long Start { get; } = start;
    public long Stop { get; } = stop;
    public long Step { get; } = step;
    public long Count { get; } =
        step > 0 ? (start < stop ? (stop - start - 1) / step + 1 : 0) : (start > stop ? (start - stop - 1) / -step + 1 : 0);

    public long this[long i] => Start + i * Step;
}

/// <summary>What <c>dict.keys()</c>, <c>values()</c> and <c>items()</c> give.</summary>
internal sealed class PyDictView(PyDict dict, DictPart part)
{
    public PyDict Dict { get; } = dict;
    public DictPart Part { get; } = part;

    public object? this[int i] => Part switch
    {
        DictPart.Keys => Dict.KeyAt(i),
        DictPart.Values => Dict.ValueAt(i),
        _ => new PyTuple(Dict.KeyAt(i), Dict.ValueAt(i)),
    };
}

internal enum DictPart { Keys, Values, Items }

/// <summary>A namespace: the one kind of object whose attributes a template may assign.</summary>
internal sealed class PyNamespace(PyDict attributes)
{
    public PyDict Attributes { get; } = attributes;
}

/// <summary>The value of a variable that was not assigned yet. It never leaves the interpreter: reading it gives an <see cref="Undefined"/>.</summary>
internal sealed class Missing
{
    private Missing() { }

    public static Missing Value { get; } = new();
}
