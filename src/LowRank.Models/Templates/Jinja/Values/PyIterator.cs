namespace LowRank.Models.Templates.Jinja.Values;

/// <summary>A Python iterator: gives its elements once. Filters such as <c>map</c> are lazy, as Python's generators are.</summary>
internal abstract class PyIterator
{
    /// <summary>The name of the type in Python, such as <c>generator</c>.</summary>
    public virtual string TypeName => "generator";

    public abstract bool MoveNext(out object? value);
}

/// <summary>An iterator over a C# enumerable.</summary>
internal sealed class EnumerableIterator(IEnumerable<object?> source, string typeName = "generator") : PyIterator
{
    private readonly IEnumerator<object?> _source = source.GetEnumerator();

    public override string TypeName => typeName;

    public override bool MoveNext(out object? value)
    {
        // Filters over filters are iterators in iterators.
        System.Runtime.CompilerServices.RuntimeHelpers.EnsureSufficientExecutionStack();
        var more = _source.MoveNext();
        value = more ? _source.Current : null;
        return more;
    }
}

/// <summary>An iterator over an array, forwards or backwards.</summary>
internal sealed class ArrayIterator(object?[] items, string typeName = "list_iterator", bool backwards = false) : PyIterator
{
    private int _next;

    public override string TypeName => typeName;

    public override bool MoveNext(out object? value)
    {
        if (_next == items.Length) { value = null; return false; }
        value = items[backwards ? items.Length - 1 - _next : _next];
        _next++;
        return true;
    }
}
