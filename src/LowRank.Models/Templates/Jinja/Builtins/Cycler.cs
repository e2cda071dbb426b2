using LowRank.Models.Templates.Jinja.Python;
using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Builtins;

/// <summary><c>cycler(a, b)</c>: its <c>next()</c> gives the items in turn.</summary>
internal sealed class Cycler
{
    private readonly object?[] _items;
    private int _position;

    public Cycler(object?[] items)
    {
        if (items.Length == 0) throw new ChatTemplateException("RuntimeError", "at least one item has to be provided");
        _items = items;
    }

    public bool TryAttribute(string name, out object? value)
    {
        value = name switch
        {
            "current" => _items[_position],
            "next" => new BoundFunction(Next, this, "method"),
            "reset" => new BoundFunction(Reset, this, "method"),
            "items" => new PyTuple(_items),
            "pos" => Types.Box((long)_position),
            _ => Missing.Value,
        };
        return value is not Missing;
    }

    private static readonly Builtin Next = new("next", "", (_, self, _) =>
    {
        var cycler = (Cycler)self!;
        var item = cycler._items[cycler._position];
        cycler._position = (cycler._position + 1) % cycler._items.Length;
        return item;
    });

    private static readonly Builtin Reset = new("reset", "", (_, self, _) =>
    {
        ((Cycler)self!)._position = 0;
        return null;
    });
}

/// <summary><c>joiner(separator)</c>: nothing at its first call, the separator at each later one.</summary>
internal sealed class Joiner(object separator) : PyCallable
{
    private bool _used;

    public override string TypeName => "Joiner";

    public override object? Call(Interpreter interpreter, in CallArguments arguments)
    {
        if (_used) return separator;
        _used = true;
        return "";
    }
}
