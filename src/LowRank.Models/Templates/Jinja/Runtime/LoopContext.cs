using LowRank.Models.Templates.Jinja.Python;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Runtime;

/// <summary>The variable <c>loop</c>: where a loop stands. It reads ahead only when asked for what comes next.</summary>
internal sealed class LoopContext(Interpreter interpreter, object? source, PyIterator iterator, Func<object?, object>? recurse, int depth) : PyCallable
{
    private PyIterator _iterator = iterator;
    private long? _length;
    private (bool Read, bool Has, object? Value) _ahead;
    private object? _previous;
    private object? _current;
    private object?[]? _lastChanged;

    public override string TypeName => "LoopContext";

    public long Index0 { get; private set; } = -1;

    public bool MoveNext(out object? value)
    {
        if (_ahead.Read)
        {
            value = _ahead.Value;
            var has = _ahead.Has;
            _ahead = default;
            if (!has) return false;
        }
        else if (!_iterator.MoveNext(out value)) return false;
        Index0++;
        (_previous, _current) = (_current, value);
        return true;
    }

    public IEnumerable<object?> Remaining()
    {
        while (MoveNext(out var value)) yield return new PyTuple(value, this);
    }

    /// <summary>The number of rounds. What has no length is read to its end for it.</summary>
    public long CountAll()
    {
        if (_length is { } known) return known;
        if (source is not null && Types.TryCount(source, out var count)) return (_length = count).Value;
        var rest = new List<object?>();
        while (_iterator.MoveNext(out var value)) { interpreter.Step(); rest.Add(value); }
        _iterator = new ArrayIterator([.. rest]);
        return (_length = rest.Count + Index0 + 1 + (_ahead is { Read: true, Has: true } ? 1 : 0)).Value;
    }

    public bool TryAttribute(string name, out object? value)
    {
        value = name switch
        {
            "index" => Types.Box(Index0 + 1),
            "index0" => Types.Box(Index0),
            "first" => Types.Box(Index0 == 0),
            "last" => Types.Box(!Peek().Has),
            "length" => Types.Box(CountAll()),
            "revindex" => Types.Box(CountAll() - Index0),
            "revindex0" => Types.Box(CountAll() - Index0 - 1),
            "previtem" => Index0 == 0 ? Undefined.Because("there is no previous item") : _previous,
            "nextitem" => Peek() is { Has: true } next ? next.Value : Undefined.Because("there is no next item"),
            "depth" => Types.Box((long)depth + 1),
            "depth0" => Types.Box((long)depth),
            "cycle" => new BoundFunction(Cycle, this, "method"),
            "changed" => new BoundFunction(Changed, this, "method"),
            _ => Missing.Value,
        };
        return value is not Missing;
    }

    public override object? Call(Interpreter interpreter, in CallArguments arguments)
    {
        if (recurse is null) throw Errors.Type("The loop must have the 'recursive' marker to be called recursively.");
        return arguments is { Positional.Length: 1, NamedCount: 0 } ? recurse(arguments.Positional[0]) : throw Errors.Type("loop() takes exactly one argument");
    }

    private (bool Read, bool Has, object? Value) Peek()
    {
        if (_ahead is { Read: true, Has: true }) return _ahead;
        var has = _iterator.MoveNext(out var value);
        return _ahead = (true, has, value);
    }

    private static readonly Builtin Cycle = new("cycle", (_, self, arguments) =>
        arguments.Positional.Length == 0 ? throw Errors.Type("no items for cycling given")
        : arguments.Positional[((LoopContext)self!).Index0 % arguments.Positional.Length]);

    private static readonly Builtin Changed = new("changed", (_, self, arguments) =>
    {
        var loop = (LoopContext)self!;
        if (loop._lastChanged is { } last && Comparison.AreEqual(new PyTuple(last), new PyTuple(arguments.Positional))) return Types.Box(false);
        loop._lastChanged = arguments.Positional;
        return Types.Box(true);
    });
}
