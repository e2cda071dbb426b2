using LowRank.Models.Templates.Jinja.Python;
using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Builtins;

/// <summary><c>map</c>, <c>select</c>, <c>reject</c> and their <c>attr</c> forms: lazy, read once, as Python's generators.</summary>
internal static class SelectionFilters
{
    public static Builtin[] All { get; } =
    [
        new("map", (it, v, a) => new EnumerableIterator(Map(it, v, a))),
        new("select", (it, v, a) => new EnumerableIterator(Choose(it, v, a, attribute: false, keep: true))),
        new("reject", (it, v, a) => new EnumerableIterator(Choose(it, v, a, attribute: false, keep: false))),
        new("selectattr", (it, v, a) => new EnumerableIterator(Choose(it, v, a, attribute: true, keep: true))),
        new("rejectattr", (it, v, a) => new EnumerableIterator(Choose(it, v, a, attribute: true, keep: false))),
    ];

    private static IEnumerable<object?> Map(Interpreter interpreter, object? value, CallArguments arguments)
    {
        if (!Types.IsTrue(value)) yield break;
        var apply = Mapping(interpreter, arguments);
        var items = Iteration.Over(value);
        while (items.MoveNext(out var item))
        {
            interpreter.Step();
            yield return apply(item);
        }
    }

    private static Func<object?, object?> Mapping(Interpreter interpreter, CallArguments arguments)
    {
        if (arguments.Positional.Length == 0 && arguments.Named is { } named && named.TryGet("attribute", out var path))
        {
            named.TryGet("default", out var otherwise);
            for (var i = 0; i < named.Count; i++)
                if (named.KeyAt(i) is not ("attribute" or "default")) throw Errors.FilterArgument($"Unexpected keyword argument {Representation.Of(named.KeyAt(i))}");
            return Filters.AttributeGetter(path, whenUndefined: otherwise);
        }
        if (arguments.Positional.Length == 0) throw Errors.FilterArgument("map requires a filter argument");
        var filter = Find(Filters.All, arguments.Positional[0], "filter");
        var rest = arguments.WithoutFirst(1);
        return item => filter.Call(interpreter, item, rest);
    }

    private static IEnumerable<object?> Choose(Interpreter interpreter, object? value, CallArguments arguments, bool attribute, bool keep)
    {
        if (!Types.IsTrue(value)) yield break;
        var positional = arguments.Positional;
        if (attribute && positional.Length == 0) throw Errors.FilterArgument("Missing parameter for attribute name");
        var get = attribute ? Filters.AttributeGetter(positional[0]) : null;
        var at = attribute ? 1 : 0;
        var test = positional.Length > at ? Find(Tests.All, positional[at], "test") : null;
        var rest = test is null ? default : arguments.WithoutFirst(at + 1);
        var items = Iteration.Over(value);
        while (items.MoveNext(out var item))
        {
            interpreter.Step();
            var tested = get is null ? item : get(item);
            if (Types.IsTrue(test is null ? tested : test.Call(interpreter, tested, rest)) == keep) yield return item;
        }
    }

    private static Builtin Find(Dictionary<string, Builtin> all, object? name, string what) =>
        Texts.TryGet(name, out var text) && all.TryGetValue(text, out var found) ? found
        : throw Errors.Runtime($"No {what} named {Representation.Of(name)}.");
}
