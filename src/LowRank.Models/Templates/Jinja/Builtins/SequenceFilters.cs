using LowRank.Models.Templates.Jinja.Python;
using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Builtins;

/// <summary>Filters over sequences as a whole.</summary>
internal static class SequenceFilters
{
    public static Builtin[] All { get; } =
    [
        new("length", "", (_, v, _) => Types.Box(Types.Count(v))),
        new("list", "", (it, v, _) => new PyList([.. Iteration.ToArray(it, v)])),
        new("items", "", (_, v, _) => new EnumerableIterator(Items(v))),
        new("join", "d? attribute?", Join),
        new("first", "", (_, v, _) => Iteration.Over(v).MoveNext(out var first) ? first : Undefined.Because("No first item, sequence was empty.")),
        new("last", "", (_, v, _) => Iteration.Reversed(v) is { } reversed ? (reversed.MoveNext(out var last) ? last : Undefined.Because("No last item, sequence was empty."))
            : throw (v is Undefined u ? Errors.Type("'Undefined' object is not reversible") : Errors.Type($"'{Types.NameOf(v)}' object is not reversible"))),
        new("reverse", "", Reverse),
        new("sort", "reverse? case_sensitive? attribute?", (it, v, a) => Sort(it, v, IsOn(a[0]), IsOn(a[1]), a[2])),
        new("dictsort", "case_sensitive? by? reverse?", DictSort),
        new("unique", "case_sensitive? attribute?", (it, v, a) => new EnumerableIterator(Unique(it, v, Filters.AttributeGetter(a[1], ignoreCase: !IsOn(a[0]))))),
        new("min", "case_sensitive? attribute?", (it, v, a) => Extreme(it, v, a, least: true)),
        new("max", "case_sensitive? attribute?", (it, v, a) => Extreme(it, v, a, least: false)),
        new("sum", "attribute? start?", Sum),
        new("batch", "linecount fill_with?", (it, v, a) => new EnumerableIterator(Batch(it, v, a[0], a[1]))),
        new("slice", "slices fill_with?", (it, v, a) => new EnumerableIterator(Slice(it, v, a[0], a[1]))),
        new("groupby", "attribute default? case_sensitive?", GroupBy),
    ];

    // Python's generators look at their input when the first element is asked for, and so do these.
    private static IEnumerable<object?> Items(object? value)
    {
        if (value is Undefined) yield break;
        var dict = value as PyDict ?? throw Errors.Type("Can only get item pairs from a mapping.");
        for (var i = 0; i < dict.Count; i++) yield return new PyTuple(dict.KeyAt(i), dict.ValueAt(i));
    }

    private static bool IsOn(object? argument) => argument is not Missing && Types.IsTrue(argument);

    private static object Join(Interpreter interpreter, object? value, object?[] arguments)
    {
        var items = Iteration.ToArray(interpreter, value);
        var separator = arguments[0] is Missing ? "" : Representation.Str(arguments[0]);
        var parts = new object[items.Length];
        var get = arguments[1] is Missing or null ? null : Filters.AttributeGetter(arguments[1]);
        for (var i = 0; i < parts.Length; i++) parts[i] = Representation.Str(get is null ? items[i] : get(items[i]));
        return Splitting.Join(interpreter, separator, parts);
    }

    private static object? Reverse(Interpreter interpreter, object? value, object?[] arguments)
    {
        if (Texts.IsText(value)) return Indexing.Slice(interpreter, value, null, null, -1L);
        if (Iteration.Reversed(value) is { } reversed) return reversed;
        if (!Iteration.IsIterable(value)) throw Errors.FilterArgument("argument must be iterable");
        return new PyList([.. Iteration.ToArray(interpreter, value).Reverse()]);
    }

    private static PyList Sort(Interpreter interpreter, object? value, bool reverse, bool caseSensitive, object? attribute)
    {
        var paths = Texts.TryGet(attribute, out var text) ? [.. text.Split(',').Select(p => (object?)p)] : new[] { attribute };
        var getters = paths.Select(p => Filters.AttributeGetter(p, ignoreCase: !caseSensitive)).ToArray();
        return new PyList(Ordered(interpreter, Iteration.ToArray(interpreter, value), item => new PyList([.. getters.Select(g => g(item))]), reverse));
    }

    /// <summary>A stable sort by keys, with Python's way of reversing: equal elements keep their order.</summary>
    private static object?[] Ordered(Interpreter interpreter, object?[] items, Func<object?, object?> key, bool reverse)
    {
        var keyed = items.Select(item => (Key: key(item), Item: item)).ToArray();
        // Reversed before and after, equal elements keep their order.
        if (reverse) Array.Reverse(keyed);
        Sorting.Sort(keyed, k => { interpreter.Step(); return k.Key; });
        if (reverse) Array.Reverse(keyed);
        return [.. keyed.Select(k => k.Item)];
    }

    private static PyList DictSort(Interpreter interpreter, object? value, object?[] arguments)
    {
        var by = arguments[1] is Missing ? "key" : Texts.Plain(Representation.Str(arguments[1]));
        if (by is not ("key" or "value")) throw Errors.FilterArgument("You can only sort by either \"key\" or \"value\"");
        if (value is Undefined u) throw u.Error();
        var dict = value as PyDict ?? throw new ChatTemplateException("AttributeError", $"'{Types.NameOf(value)}' object has no attribute 'items'");
        var items = Iteration.ToArray(interpreter, new PyDictView(dict, DictPart.Items));
        return new PyList(Ordered(interpreter, items, item =>
        {
            var part = ((PyTuple)item!).Items[by == "key" ? 0 : 1];
            return IsOn(arguments[0]) ? part : Filters.IgnoreCase(part);
        }, IsOn(arguments[2])));
    }

    private static IEnumerable<object?> Unique(Interpreter interpreter, object? value, Func<object?, object?> key)
    {
        var items = Iteration.Over(value);
        var seen = new HashSet<object>(Hashing.Comparer);
        while (items.MoveNext(out var item))
        {
            interpreter.Step();
            var own = key(item);
            Hashing.Require(own);
            if (seen.Add(own ?? Hashing.None)) yield return item;
        }
    }

    private static object? Extreme(Interpreter interpreter, object? value, object?[] arguments, bool least)
    {
        var items = Iteration.ToArray(interpreter, value);
        if (items.Length == 0) return Undefined.Because("No aggregated item, sequence was empty.");
        var get = Filters.AttributeGetter(arguments[1], ignoreCase: !IsOn(arguments[0]));
        var (best, bestKey) = (items[0], get(items[0]));
        foreach (var item in items.AsSpan(1))
        {
            var key = get(item);
            if (least ? Comparison.Compare(key, bestKey, "<") < 0 : Comparison.Compare(key, bestKey, ">") > 0) (best, bestKey) = (item, key);
        }
        return best;
    }

    private static object? Sum(Interpreter interpreter, object? value, object?[] arguments)
    {
        var get = arguments[0] is Missing or null ? null : Filters.AttributeGetter(arguments[0]);
        var sum = arguments[1] is Missing ? Types.Box(0L) : arguments[1];
        if (Texts.IsText(sum)) throw Errors.Type("sum() can't sum strings [use ''.join(seq) instead]");
        foreach (var item in Iteration.ToArray(interpreter, value)) sum = Arithmetic.Add(interpreter, sum, get is null ? item : get(item));
        return sum;
    }

    private static IEnumerable<object?> Batch(Interpreter interpreter, object? value, object? linecount, object? fill)
    {
        var (items, size) = (Iteration.Over(value), Numbers.ToIndex(linecount));
        var batch = new List<object?>();
        while (items.MoveNext(out var item))
        {
            interpreter.Step();
            if (batch.Count == size) { yield return PyList.Of(batch); batch = []; }
            batch.Add(item);
        }
        if (batch.Count == 0) yield break;
        if (fill is not (Missing or null) && batch.Count < size)
        {
            interpreter.Charge(size);
            while (batch.Count < size) batch.Add(fill);
        }
        yield return PyList.Of(batch);
    }

    private static IEnumerable<object?> Slice(Interpreter interpreter, object? value, object? count, object? fill)
    {
        var (items, slices) = (Iteration.ToArray(interpreter, value), Numbers.ToIndex(count));
        if (slices == 0) throw Errors.ZeroDivision("integer division or modulo by zero");
        var (each, extra) = (items.Length / slices, items.Length % slices);
        long start = 0;
        for (long i = 0; i < slices; i++)
        {
            interpreter.Step();
            var end = start + each + (i < extra ? 1 : 0);
            var part = new List<object?>(items[(int)start..(int)end]);
            if (fill is not (Missing or null) && i >= extra) part.Add(fill);
            yield return PyList.Of(part);
            start = end;
        }
    }

    private static PyList GroupBy(Interpreter interpreter, object? value, object?[] arguments)
    {
        var ignoreCase = !IsOn(arguments[2]);
        var whenUndefined = arguments[1] is Missing ? null : arguments[1];
        var key = Filters.AttributeGetter(arguments[0], ignoreCase, whenUndefined);
        var name = Filters.AttributeGetter(arguments[0], ignoreCase: false, whenUndefined);
        var (groups, members, current) = (new List<object?>(), new List<object?>(), (object?)null);
        foreach (var item in Ordered(interpreter, Iteration.ToArray(interpreter, value), key, reverse: false))
        {
            var own = key(item);
            if (members.Count > 0 && !Comparison.AreEqual(own, current)) Close();
            current = own;
            members.Add(item);
        }
        if (members.Count > 0) Close();
        return PyList.Of(groups);

        void Close()
        {
            groups.Add(new PyTuple(name(members[0]), PyList.Of(members)) { Names = ["grouper", "list"] });
            members = [];
        }
    }
}
